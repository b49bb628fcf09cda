#pragma once

#include "failover/trio.hpp"

namespace moonpool::test {

// Every other operation is a transaction of two statements, the rest one statement alone.
inline Ledger::Told Ledger::attempt(session::Session& session, int client, int op) {
  auto const row =
      "insert into ledger values (" + std::to_string(client) + ", " + std::to_string(op) + ", ";
  std::optional<Error> failure;
  std::shared_ptr<session::Session> tx;
  try {
    if (op % 2 == 0) {
      run(session, row + "1), (" + std::to_string(client) + ", " + std::to_string(op) + ", 2)");
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
  auto const session = session::Session::make(trio_.engine.cluster, {});
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

inline Ledger::Verdict Ledger::audit(dev::Server const& witness) const {
  Verdict verdict;
  for (std::size_t client = 0; client < books_.size(); ++client) {
    auto const& ops = books_[client]->ops;
    std::vector<int> rows(ops.size(), 0);
    for (auto const& row : witness.query("select op, count(*) from ledger where client = " +
                                         std::to_string(client) + " group by op")) {
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
