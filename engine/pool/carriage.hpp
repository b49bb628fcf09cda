#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/time.hpp"
#include "pool/lease.hpp"

namespace moonpool::pool {

// A connection that several callers use at once. Guarded by the pool's lock, but for member->shared.
struct Carriage {
  std::unique_ptr<Member> member;  // until the last rider has gone
  std::size_t riders = 0;
  std::size_t loners = 0;  // of them; nobody comes in behind one
  bool reserved = false;   // for somebody who needs a connection alone: it takes nobody in
  bool discarded = false;
  std::atomic<bool> spoken = false;  // its failure was told to the breaker
};

// How long statements have taken, by their text, as far as it is remembered: the last ones of each, in
// bounded room. Guarded by the pool's lock.
class Pace {
 public:
  enum class Verdict : std::uint8_t { unknown, quick, slow };

  static std::size_t key_of(std::string_view sql) { return std::hash<std::string_view>{}(sql); }
  Verdict of(std::size_t key, Duration limit) const {
    auto const& entry = entries_[key % entries_.size()];
    if (entry.key != key || !entry.known) return Verdict::unknown;
    return entry.mean > limit ? Verdict::slow : Verdict::quick;
  }
  void learn(std::size_t key, Duration took) {
    auto& entry = entries_[key % entries_.size()];
    // Whoever comes to this place makes its predecessor unknown.
    entry.mean = entry.key == key && entry.known ? (3 * entry.mean + took) / 4 : took;
    entry.key = key;
    entry.known = true;
  }

 private:
  struct Entry {
    std::size_t key = 0;
    Duration mean{};
    bool known = false;
  };
  std::array<Entry, 512> entries_{};
};

}  // namespace moonpool::pool
