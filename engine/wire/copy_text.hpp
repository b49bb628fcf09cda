#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wire/result.hpp"

namespace moonpool::wire {

// Writes rows in the text format of COPY to the end of a buffer: value by value, then end_row().
class CopyWriter {
 public:
  // `out` must outlive the writer.
  explicit CopyWriter(std::string& out) : out_(out) {}

  void null();
  // False when PostgreSQL's text cannot hold the bytes (NUL, broken UTF-8): nothing is written.
  bool text(std::string_view value);
  // The shortest text that reads back as the same number; whole ones below 10^21 without an exponent.
  void number(double value);
  void end_row();
  // Values were written since the last row ended.
  bool in_row() const { return row_bytes_ > 0; }
  // Takes back what the row that is not ended yet holds.
  void drop_row();

 private:
  void separate();

  std::string& out_;
  std::size_t row_bytes_ = 0;  // of the row that is not ended yet
  bool first_ = true;
};

// The rows of a piece of COPY text as a result with the columns of `like`. Throws Error: protocol when
// the text does not have these columns or ends inside a row, usage when `like` has no columns.
Result copied_rows(std::string_view text, Result const& like);

}  // namespace moonpool::wire
