#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "async/operation.hpp"
#include "wire/connection.hpp"

namespace moonpool::wire {

// COPY between this process and the server. The connection leaves pipeline mode for it and comes back
// when it has ended; until then it is mid-flight, and one that is dropped earlier is left to cancel()
// and drain(), which end the COPY so that nothing is stored.

// COPY … FROM STDIN. One operation at a time; one that is destroyed while it waits sends nothing twice.
// An error before finish() has told the server that the data are complete means that nothing is stored:
// its outcome is `rejected` where the server said so, else `not_sent`.
class CopyIn {
 public:
  // So much is gathered before it is sent.
  static constexpr std::size_t kChunk = std::size_t{64} << 10;

  explicit CopyIn(Connection& connection) : connection_(connection) {}

  // Throws Error: usage when the text is not one COPY FROM STDIN (nothing was sent), or what the server
  // said; the connection is then in step.
  // REQUIRES: the connection is usable.
  async::Operation<void> start(std::string sql, Deadline deadline);

  // What is sent next. Whoever fills it calls put() when it is full.
  std::string& buffer() { return buffer_; }
  bool is_full() const { return buffer_.size() >= kChunk; }

  // Sends the buffer. Waits only while earlier bytes are still on their way, so memory stays bounded
  // whatever the server does. Throws when the connection is lost, the deadline passes, or the server has
  // refused what it got so far, if that was noticed: what it refuses is certain only at finish().
  async::Operation<void> put(Deadline deadline);

  // Sends what is left and ends the COPY; gives the rows that were stored. From here on a lost answer is
  // in doubt.
  async::Operation<std::int64_t> finish(Deadline deadline);

  // Ends the COPY so that nothing is stored; the server's log quotes `reason`. True when the connection
  // is in step afterwards. Does not throw.
  async::Operation<bool> fail(std::string reason, Deadline deadline);

  bool ended() const { return ended_; }

 private:
  async::Operation<void> clear_way(Deadline deadline);
  async::Operation<void> send_buffer(Deadline deadline);
  async::Operation<std::int64_t> conclude(Deadline deadline);
  bool listen();
  Error failed(Error error) const;

  Connection& connection_;
  std::string sql_;
  std::string buffer_;
  std::size_t sent_ = 0;   // bytes of the buffer that libpq has
  bool refused_ = false;   // the server has said no
  bool complete_ = false;  // it was told that nothing more comes
  bool ended_ = false;
};

// COPY … TO STDOUT. Nothing is taken from the socket that nobody asked for.
class CopyOut {
 public:
  static constexpr std::size_t kChunk = std::size_t{64} << 10;

  explicit CopyOut(Connection& connection) : connection_(connection) {}

  // As CopyIn::start, for COPY TO STDOUT.
  async::Operation<void> start(std::string sql, Deadline deadline);

  // The next piece, of whole rows (but in binary format): what has arrived, a little over kChunk at most
  // unless one row is larger. Empty at the end. Throws Error.
  // REQUIRES: neither the end nor an error was given yet.
  async::Operation<std::string> next(Deadline deadline);

  // At the end: how many rows came.
  std::int64_t rows() const { return rows_; }
  bool ended() const { return ended_; }

 private:
  async::Operation<void> conclude(Deadline deadline);

  Connection& connection_;
  std::string sql_;
  std::string chunk_;
  std::int64_t rows_ = 0;
  bool all_read_ = false;  // the server has sent its last row, or an error
  bool ended_ = false;
};

}  // namespace moonpool::wire
