#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace moonpool {

// What an error code says about running the work again. Only an outcome other than `unknown` lets a
// class speak: whatever was sent and not answered is never repeated blindly.
enum class RetryClass : std::uint8_t {
  never,            // the same work fails the same way
  rerun,            // R1: run the whole transaction again, after a short pause
  node_transient,   // R2: this node, at this moment; another node or a later try
  reroute,          // R3: the wrong node for this statement
  statement_cache,  // R4: drop the prepared statement and run once more
  back_off,         // B: the server is in trouble; do not press
  unknown_outcome,  // U: the server itself does not know
};

struct SqlState {
  std::string_view code;       // five characters
  std::string_view condition;  // PostgreSQL's name of it: unique_violation
  RetryClass retry;
};

// Every code that PostgreSQL documents, sorted by code.
std::span<SqlState const> all_sqlstates();

// The entry of a code; for a code that is not in the table the entry of its class (first two
// characters and 000); nullptr where the class is unknown too.
SqlState const* find_sqlstate(std::string_view code);

// `never` for codes that nobody knows.
RetryClass retry_class(std::string_view code);

}  // namespace moonpool
