#pragma once

#include <deque>
#include <string>

#include "wire/connection.hpp"
#include "wire/pq.hpp"

namespace moonpool::wire {

using pq::Note;

// What NOTIFY sends to one connection, and probes whether it still would. Nothing here waits: the caller
// waits for the socket.
class Listening {
 public:
  // `connection` must outlive this and belongs to it alone.
  explicit Listening(Connection& connection) : connection_(connection) {}

  // Reads what has arrived and adds the notes. False when the connection is lost.
  bool collect(std::deque<Note>& notes);

  // Asks for the server's time and sends a note to a channel of its own. False when it is lost.
  // REQUIRES: not probing.
  bool probe(std::string const& channel);
  // A probe was sent and its answers are not all here.
  bool probing() const { return !connection_.expected_.empty(); }
  // The server's time, as it told with the last probe that was answered; "" before.
  std::string const& heard() const { return heard_; }
  // More is to be sent: wait until the socket takes it, too.
  bool sending() const;

 private:
  Connection& connection_;
  std::string heard_;
};

}  // namespace moonpool::wire
