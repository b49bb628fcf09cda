#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "wire/result.hpp"

namespace moonpool::wire {

// A parameter in PostgreSQL's text form; nullopt is SQL NULL. type 0: the server infers it.
struct Param {
  std::optional<std::string> text;
  std::uint32_t type = 0;
};

struct Statement {
  std::string sql;  // parameters are $1, $2, …
  std::vector<Param> params;
  // Ends a segment: a Sync follows. The statements of one segment are one implicit transaction; the
  // first error skips the rest of the segment and nothing after it.
  bool ends_segment = true;
  // May be prepared and run by name when it comes again.
  bool cacheable = true;
};

// What is sent in one round trip. The last statement always ends a segment.
using Request = std::vector<Statement>;

// What became of one statement.
using Reply = std::variant<Result, Error>;

}  // namespace moonpool::wire
