#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "async/operation.hpp"
#include "wire/connection.hpp"
#include "wire/pq.hpp"

namespace moonpool::wire {

// The answer to one statement, read as its reader asks for it. Nothing is taken from the socket that
// nobody asked for, so a slow reader makes the server wait, and memory stays bounded.
//
// Leans on the connection, which is mid-flight until ended(): a stream dropped earlier leaves it to
// cancel() and drain(). One operation at a time; one that is destroyed while it waits loses no rows.
class Stream {
 public:
  // Rows of a batch when nothing else is said, and the bytes at which a batch is full anyway.
  static constexpr std::size_t kRows = 256;
  static constexpr std::size_t kBytes = std::size_t{1} << 20;

  explicit Stream(Connection& connection) : connection_(connection) {}

  // Sends the request, whose last statement is the one to read, and waits for its first answer. That
  // statement is not prepared under a name. Throws the first Error of the request, with its outcome;
  // after one of the server the connection is in step again.
  // REQUIRES: the connection is usable; the request is one segment.
  async::Operation<void> start(Request request, Deadline deadline);

  // The next rows, at least one and at most `most`: no more than have arrived already, so that a slow
  // query's rows are not kept back. A result without rows is the end: it has the columns and the
  // command tag. Throws Error, after the rows that came before it.
  // REQUIRES: start() has succeeded, and neither the end nor an error was given yet.
  async::Operation<Result> next(std::size_t most, Deadline deadline);

  // Every answer was read: the connection is in step, or lost.
  bool ended() const { return ended_; }

 private:
  using What = Connection::Expected::What;
  enum class Step : std::uint8_t { full, starved, ended };
  Step pull(std::size_t most);
  void take(pq::ResultHandle result);
  void take_row(pq::ResultHandle result);
  void fail(Error error);
  std::size_t rows() const;

  Connection& connection_;
  std::string sql_;
  std::size_t target_ = 0;    // index of the statement that is read
  bool by_row_ = false;       // libpq gives it row by row
  pq::ResultHandle rows_;     // the batch so far
  std::size_t bytes_ = 0;     // of its values
  pq::ResultHandle closing_;  // what the statement ended with
  std::optional<Error> failure_;
  bool ended_ = false;
};

}  // namespace moonpool::wire
