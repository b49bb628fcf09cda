#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "wire/replies.hpp"
#include "wire/statement.hpp"

namespace moonpool::wire {

class Connection;

// Questions beside a request, each in a segment of its own; empty: none. Their texts outlive it.
struct Asks {
  std::string_view ahead;
  std::string_view behind;
};
// What they were told; nullopt: nothing was asked, or no answer came.
struct Told {
  std::optional<std::string> ahead;
  std::optional<std::string> behind;
  // Among others: how long the server was at it, without the waiting in between; zero where that cannot be
  // told.
  Duration took = Duration::zero();
};

// One request on its way through a connection, and what has come back of it. Several may be under way on one
// connection, in the order in which they were sent. Dropped before its end, its answers are read and
// thrown away by whoever reads next.
class Exchange {
 public:
  // The request must outlive what is under way; the connection outlives this.
  Exchange(Connection& connection, Request const& request);
  ~Exchange();
  Exchange(Exchange const&) = delete;
  Exchange& operator=(Exchange const&) = delete;

  // Every answer is here, or will not come.
  bool is_over() const { return owed_ == 0 || lost_; }
  // Nothing is owed to it.
  bool is_settled() const { return owed_ == 0; }
  // Nothing more is expected: what is not settled gets this error.
  void lose(Error const& error) {
    lost_ = true;
    replies_.lose_rest(error);
  }
  // What is still to come is read and dropped.
  void abandon();
  std::vector<Reply> take() { return replies_.take(); }
  Told const& told() const { return told_; }

 private:
  friend class Connection;
  Connection& connection_;
  Request const& request_;
  Replies replies_;
  Told told_;
  // Why a name is unknown to the statements that were sent behind the one that was to prepare it.
  std::vector<std::pair<std::string, Error>> unprepared_;
  std::size_t owed_ = 0;  // answers of the server
  bool lost_ = false;
};

// What was prepared for it does not fit any more, so that it did not run; prepared anew, it will.
bool is_stale(Reply const& reply);
bool is_stale(std::vector<Reply> const& replies);
// The errors of the second try say that there was a first, and how that one failed.
void note_second_try(std::vector<Reply>& replies, std::vector<Reply> const& first);

}  // namespace moonpool::wire
