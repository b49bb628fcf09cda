#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/pq.hpp"

namespace moonpool::wire {

// The answer to one statement: rows in PostgreSQL's text form, and the command tag. Move-only; the
// views it gives lean on it. Rows and columns must be in range.
class Result {
 public:
  Result() = default;
  explicit Result(pq::ResultHandle handle) : handle_(std::move(handle)) {}
  // No rows, and the columns of another result.
  static Result empty_like(Result const& like) {
    return Result(pq::empty_like(like.handle_.get()));
  }

  std::size_t rows() const { return static_cast<std::size_t>(pq::rows(handle_.get())); }
  std::size_t columns() const { return static_cast<std::size_t>(pq::columns(handle_.get())); }
  char const* column_name(std::size_t column) const {
    return pq::column_name(handle_.get(), static_cast<int>(column));
  }
  std::uint32_t column_type(std::size_t column) const {
    return pq::column_type(handle_.get(), static_cast<int>(column));
  }
  // nullopt is SQL NULL. The bytes are followed by a NUL.
  std::optional<std::string_view> value(std::size_t row, std::size_t column) const;
  // "INSERT 0 1".
  std::string_view tag() const { return pq::tag(handle_.get()); }
  // Rows that the command touched or gave, by its tag; 0 where it speaks of none.
  std::int64_t affected() const;

  // Writes a value; row may be one past the last. False when there is no memory.
  bool put(int row, int column, std::optional<std::string_view> value) {
    return pq::set_value(handle_.get(), row, column, value);
  }

  // Bytes that libpq keeps for it.
  std::size_t memory() const { return pq::memory(handle_.get()); }
  pg_result const* handle() const { return handle_.get(); }

 private:
  pq::ResultHandle handle_;
};

}  // namespace moonpool::wire
