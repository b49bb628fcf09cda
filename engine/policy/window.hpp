#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace moonpool::policy {

// Counts what happened within the last while, in ten slices: what is older than `length` is forgotten a
// slice at a time, so a count is of the last nine tenths at least and of all of it at most. The time never
// goes back. Not thread-safe.
template <std::size_t Kinds>
class Window {
 public:
  explicit Window(Duration length)
      : width_(length.count() < kSlices ? 1 : length.count() / kSlices) {}

  void add(std::size_t kind, TimePoint now) {
    auto const number = number_at(now);
    auto& slice = slices_[static_cast<std::size_t>(number % kSlices)];
    if (slice.number != number) slice = {number, {}};
    ++slice.counts[kind];
  }
  std::uint64_t count(std::size_t kind, TimePoint now) const {
    auto const number = number_at(now);
    std::uint64_t sum = 0;
    for (auto const& slice : slices_) {
      if (slice.number > number - kSlices) sum += slice.counts[kind];
    }
    return sum;
  }
  void clear() { slices_ = {}; }

 private:
  static constexpr std::int64_t kSlices = 10;
  struct Slice {
    std::int64_t number = -kSlices;
    std::array<std::uint64_t, Kinds> counts{};
  };
  std::int64_t number_at(TimePoint now) const { return now.time_since_epoch().count() / width_; }

  std::int64_t width_;
  std::array<Slice, kSlices> slices_{};
};

}  // namespace moonpool::policy
