#include "wire/result.hpp"

#include <cstdlib>

namespace moonpool::wire {

std::optional<std::string_view> Result::value(std::size_t row, std::size_t column) const {
  int const r = static_cast<int>(row);
  int const c = static_cast<int>(column);
  if (pq::is_null(handle_.get(), r, c)) return std::nullopt;
  return std::string_view(pq::value(handle_.get(), r, c),
                          static_cast<std::size_t>(pq::length(handle_.get(), r, c)));
}

std::int64_t Result::affected() const { return std::atoll(pq::affected(handle_.get())); }

}  // namespace moonpool::wire
