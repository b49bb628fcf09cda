#pragma once

#include <set>

#include "ledger/book.hpp"
#include "ledger/field.hpp"

namespace moonpool::test {

// Clients that write and read until they are stopped, each with a session of its own.
class Clients {
 public:
  Clients(Field& field, int writers, int readers)
      : field_(field), books_(static_cast<std::size_t>(writers)) {
    for (int i = 0; i < writers; ++i) threads_.emplace_back([this, i] { write(i); });
    for (int i = 0; i < readers; ++i) threads_.emplace_back([this] { read(); });
  }
  ~Clients() { stop(); }
  Clients(Clients const&) = delete;
  Clients& operator=(Clients const&) = delete;

  void stop() {
    stopped_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  // While the primary, or more than one replica, is in trouble, reads may fail; else they must not.
  void reads_may_fail(bool may) {
    if (may) ++troubles_;
    troubled_ = may;
  }

  std::vector<Book> const& books() const { return books_; }
  std::size_t acknowledged() const { return acknowledged_; }
  std::size_t reads() const { return reads_; }
  std::size_t failed_reads() const { return failed_reads_; }
  // Of what must not happen: reads that failed because of one replica, and that did not see their session's writes.
  std::vector<std::string> findings() const {
    std::lock_guard const lock(mutex_);
    return findings_;
  }
  std::map<std::string, int> complaints() const {
    std::lock_guard const lock(mutex_);
    return complaints_;
  }
  double seconds() const { return watch_.milliseconds() / 1000; }

 private:
  static constexpr auto kPause = std::chrono::milliseconds(15);

  void write(int client) {
    auto const session =
        session::Session::make(field_.engine.cluster, field_.engine.session->habits());
    auto& book = books_[static_cast<std::size_t>(client)];
    for (int op = 0; !stopped_; ++op) {
      Entry entry;
      entry.at = seconds();
      attempt(*session, client, op, entry);
      book.entries.push_back(entry);
      if (entry.told == Told::done) {
        ++acknowledged_;
        if (op % 7 == 0) read_back(*session, client, op);
      }
      std::this_thread::sleep_for(kPause);
    }
  }

  static std::string row(int client, int op, int part) {
    return "(" + std::to_string(client) + ", " + std::to_string(op) + ", " + std::to_string(part) +
           ")";
  }

  // One statement, one batch, or a transaction that is run again as long as its error says that it may be.
  void attempt(session::Session& session, int client, int op, Entry& entry) {
    static constexpr char const* kKinds[] = {"statement", "transaction", "batch",
                                             "repeated transaction"};
    auto const kind = op % 4;
    entry.kind = kKinds[kind];
    std::string const insert = "insert into ledger values ";
    for (int again = kind == 3 ? 3 : 0;; --again) {
      std::optional<Error> failure;
      try {
        if (kind == 0) {
          run(session, insert + row(client, op, 1) + ", " + row(client, op, 2));
        } else if (kind == 2) {
          auto const answer =
              run_all(session, {insert + row(client, op, 1), insert + row(client, op, 2)}, kAtomic);
          if (auto const* error = answer.error()) throw Error(*error);
        } else {
          transact(session, {insert + row(client, op, 1), insert + row(client, op, 2)});
        }
        entry.told = Told::done;
        entry.words.clear();
        return;
      } catch (Error const& error) {
        failure = error;
      }
      entry.words = failure->what();
      note(*failure);
      bool const nothing =
          failure->outcome() == Outcome::not_sent || failure->outcome() == Outcome::rejected;
      entry.told = nothing ? Told::nothing : Told::unknown;
      if (again == 0 || stopped_ || !nothing || !failure->retryable()) return;
      std::this_thread::sleep_for(kPause);
    }
  }

  static void transact(session::Session& session, std::vector<std::string> const& statements) {
    auto const tx = wait(session.begin({}));
    try {
      for (auto const& statement : statements) run(*tx, statement);
    } catch (Error const& error) {
      Error const first = error;
      try {
        wait(tx->rollback());
      } catch (Error const&) {
      }
      throw Error(first);
    }
    wait(tx->commit());
  }

  // What this session has written it sees, wherever it reads.
  void read_back(session::Session& session, int client, int op) {
    auto const text =
        read_one(session, "select count(*) from ledger where client = " + std::to_string(client) +
                              " and op = " + std::to_string(op));
    if (!text.empty() && text != "2") {
      find("STALE: client " + std::to_string(client) + " saw " + text + " rows of its operation " +
           std::to_string(op));
    }
  }

  void read() {
    auto const session =
        session::Session::make(field_.engine.cluster, field_.engine.session->habits());
    for (int i = 0; !stopped_; ++i) {
      auto options = kRead;
      options.consistency =
          i % 2 == 0 ? policy::Consistency::eventual : policy::Consistency::session;
      read_one(*session, "select count(*) from (select from ledger limit 100) as part", options);
      std::this_thread::sleep_for(kPause);
    }
  }

  std::string read_one(session::Session& session, std::string const& text,
                       session::RunOptions options = kRead) {
    auto const before = troubles_.load();
    bool const troubled = troubled_;
    auto const begun = seconds();
    ++reads_;
    try {
      return ask(session, text, options);
    } catch (Error const& error) {
      note(error);
      ++failed_reads_;
      if (!troubled && !troubled_ && before == troubles_) {
        find("READ at " + std::to_string(begun) + " s, " + std::to_string(seconds()) +
             " s: " + error.describe());
      }
    }
    return "";
  }

  void note(Error const& error) {
    std::lock_guard const lock(mutex_);
    ++complaints_[std::string(error.name()) + " " + std::string(to_string(error.outcome()))];
  }
  void find(std::string what) {
    std::lock_guard const lock(mutex_);
    findings_.push_back(std::move(what));
  }

  Field& field_;
  std::vector<Book> books_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> troubled_{false};
  std::atomic<std::size_t> troubles_{0};
  std::atomic<std::size_t> acknowledged_{0};
  std::atomic<std::size_t> reads_{0};
  std::atomic<std::size_t> failed_reads_{0};
  Stopwatch const watch_;
  mutable std::mutex mutex_;
  std::vector<std::string> findings_;
  std::map<std::string, int> complaints_;
};

}  // namespace moonpool::test
