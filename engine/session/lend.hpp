#pragma once

#include <string>

#include "session/hold.hpp"

struct pg_conn;

namespace moonpool::session {

// A connection lent to somebody who speaks libpq: out of pipeline mode, blocking. Destroyed before it was
// given back, as if it had been. Threads: the session's.
class Lent {
 public:
  Lent() = default;
  Lent(Lent const&) = delete;
  Lent& operator=(Lent const&) = delete;
  ~Lent();

  // REQUIRES: not given back. Throws Error when its transaction is over.
  pg_conn* raw() const { return hold_.connection().lent(); }
  std::string const& node() const { return hold_.node(); }

  // Looks at what was left behind. A transaction that was left open is rolled back and an Error says so; in a
  // transaction of ours, one that was ended is an Error too. Settings are restored before the next
  // user either way, and a connection in the middle of something is closed.
  void give_back();

 private:
  friend class Session;
  Hold hold_;
  bool inside_ = false;  // of a transaction of ours
};

}  // namespace moonpool::session
