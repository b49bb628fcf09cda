#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "async/operation.hpp"
#include "wire/result.hpp"

namespace moonpool::session {

// The answer to one statement, as its reader asks for it, in bounded memory. Outside a transaction it is
// read off its own connection as it comes. Inside one it is a cursor, so that other statements may run
// between the rows; its statement must then be a query.
//
// Leaving it early is safe: destroying it gives its connection back (the server is told to stop), or
// closes the cursor. Threads: the session's. One operation at a time.
class Stream {
 public:
  Stream() = default;
  Stream(Stream const&) = delete;
  Stream& operator=(Stream const&) = delete;
  virtual ~Stream() = default;

  // At least one row and at most `most` (0: some hundred, about 1 MiB). A result without rows is the
  // end; after it there is nullopt. Throws Error, after the rows that came before it; the stream has
  // then ended.
  virtual async::Operation<std::optional<wire::Result>> next(std::size_t most) = 0;
  // The node that answers.
  virtual std::string const& node() const = 0;
};

}  // namespace moonpool::session
