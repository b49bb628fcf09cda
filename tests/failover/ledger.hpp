#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "failover/trio.hpp"

namespace moonpool::test {

// Clients that write until they are stopped, each with a session of its own, and keep a book of what they were
// told. The table has no unique key, so that what was done twice is seen.
class Ledger {
 public:
  // How somebody who has nothing to do with the engine asks a server.
  using Witness = std::function<dev::TextRows(std::string const&)>;

  // The table must be there: kTable makes it.
  static constexpr auto kTable = "create table ledger (client int, op int, part int)";
  // `first`: the number of the first client, where several ledgers share the table.
  Ledger(std::shared_ptr<cluster::Cluster> cluster, int clients, int first = 0)
      : cluster_(std::move(cluster)), first_(first) {
    for (int i = 0; i < clients; ++i) books_.push_back(std::make_unique<Book>());
    for (int i = 0; i < clients; ++i) threads_.emplace_back([this, i] { write(i); });
  }
  Ledger(Trio& trio, int clients) : Ledger(made(trio), clients) {}
  ~Ledger() { stop(); }

  void stop() {
    stopped_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  std::size_t acknowledged() const { return acknowledged_; }
  std::size_t unknown() const { return unknown_; }
  std::size_t refused() const { return refused_; }
  // The longest time without any write being acknowledged, in milliseconds.
  double longest_pause() const { return longest_pause_; }
  std::set<std::string> complaints() const {
    std::lock_guard const lock(mutex_);
    return complaints_;
  }

  struct Verdict {
    int lost = 0;
    int duplicate = 0;
    int phantom = 0;
  };
  // REQUIRES: stopped. `witness` asks the surviving primary.
  Verdict audit(Witness const& witness) const;
  Verdict audit(dev::Server const& survivor) const {
    return audit([&](std::string const& sql) { return survivor.query(sql); });
  }

 private:
  enum class Told { ok, nothing, unknown };
  struct Book {
    std::vector<Told> ops;
  };
  static std::shared_ptr<cluster::Cluster> made(Trio& trio) {
    trio.servers.primary().query(kTable);
    trio.servers.wait_until_replicated();
    return trio.engine.cluster;
  }
  void write(int client);
  Told attempt(session::Session& session, int client, int op);

  std::shared_ptr<cluster::Cluster> const cluster_;
  int const first_;
  std::vector<std::unique_ptr<Book>> books_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> acknowledged_{0};
  std::atomic<std::size_t> unknown_{0};
  std::atomic<std::size_t> refused_{0};
  std::atomic<double> longest_pause_{0};
  mutable std::mutex mutex_;
  TimePoint last_ = Clock::now();
  std::set<std::string> complaints_;  // names of the errors clients met
};

// Every other operation is a transaction of two statements, the rest one statement alone.
inline Ledger::Told Ledger::attempt(session::Session& session, int client, int op) {
  auto const row = "insert into ledger values (" + std::to_string(first_ + client) + ", " +
                   std::to_string(op) + ", ";
  std::optional<Error> failure;
  std::shared_ptr<session::Session> tx;
  try {
    if (op % 2 == 0) {
      run(session,
          row + "1), (" + std::to_string(first_ + client) + ", " + std::to_string(op) + ", 2)");
    } else {
      tx = wait(session.begin({}));
      run(*tx, row + "1)");
      run(*tx, row + "2)");
      wait(tx->commit());
    }
    return Told::ok;
  } catch (Error const& error) {
    failure = error;
  }
  if (tx) {
    try {
      wait(tx->rollback());
    } catch (Error const&) {
    }
  }
  {
    std::lock_guard const lock(mutex_);
    complaints_.insert(std::string(failure->name()));
  }
  if (failure->outcome() == Outcome::unknown) return Told::unknown;
  if (failure->outcome() == Outcome::committed_local) return Told::unknown;
  return Told::nothing;
}

inline void Ledger::write(int client) {
  auto const session = session::Session::make(cluster_, {});
  auto& book = *books_[static_cast<std::size_t>(client)];
  for (int op = 0; !stopped_; ++op) {
    auto const told = attempt(*session, client, op);
    book.ops.push_back(told);
    if (told == Told::unknown) ++unknown_;
    if (told == Told::nothing) ++refused_;
    if (told == Told::ok) {
      ++acknowledged_;
      std::lock_guard const lock(mutex_);
      auto const now = Clock::now();
      auto const pause = std::chrono::duration<double, std::milli>(now - last_).count();
      last_ = now;
      if (pause > longest_pause_) longest_pause_ = pause;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

inline Ledger::Verdict Ledger::audit(Witness const& witness) const {
  Verdict verdict;
  for (std::size_t client = 0; client < books_.size(); ++client) {
    auto const& ops = books_[client]->ops;
    std::vector<int> rows(ops.size(), 0);
    for (auto const& row :
         witness("select op, count(*) from ledger where client = " +
                 std::to_string(first_ + static_cast<int>(client)) + " group by op")) {
      auto const op = std::stoul(*row[0]);
      if (op < rows.size()) rows[op] = std::stoi(*row[1]);
    }
    for (std::size_t op = 0; op < ops.size(); ++op) {
      if (rows[op] > 2) ++verdict.duplicate;
      if (ops[op] == Told::ok && rows[op] < 2) ++verdict.lost;
      if (ops[op] == Told::nothing && rows[op] > 0) ++verdict.phantom;
      if (rows[op] == 1) ++verdict.phantom;  // half of a transaction
    }
  }
  return verdict;
}

}  // namespace moonpool::test
