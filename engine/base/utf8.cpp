#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace moonpool {

std::size_t valid_text_prefix(std::string_view text) {
  auto const* bytes = reinterpret_cast<unsigned char const*>(text.data());
  std::size_t const size = text.size();
  std::size_t i = 0;
  auto continues = [&](std::size_t at, unsigned char low, unsigned char high) {
    return at < size && bytes[at] >= low && bytes[at] <= high;
  };
  while (i < size) {
    // Eight bytes at a time while all are ASCII and none is NUL: nearly all text is.
    if (i + 8 <= size) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + i, 8);
      constexpr std::uint64_t kHigh = 0x8080808080808080ULL;
      constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
      if (((word | (word - kOnes)) & kHigh) == 0) {
        i += 8;
        continue;
      }
    }
    unsigned char const lead = bytes[i];
    if (lead == 0) return i;
    if (lead < 0x80) {
      i += 1;
    } else if (lead >= 0xC2 && lead <= 0xDF) {
      if (!continues(i + 1, 0x80, 0xBF)) return i;
      i += 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      unsigned char const low = lead == 0xE0 ? 0xA0 : 0x80;
      unsigned char const high = lead == 0xED ? 0x9F : 0xBF;
      if (!continues(i + 1, low, high) || !continues(i + 2, 0x80, 0xBF)) return i;
      i += 3;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      unsigned char const low = lead == 0xF0 ? 0x90 : 0x80;
      unsigned char const high = lead == 0xF4 ? 0x8F : 0xBF;
      if (!continues(i + 1, low, high) || !continues(i + 2, 0x80, 0xBF) ||
          !continues(i + 3, 0x80, 0xBF)) {
        return i;
      }
      i += 4;
    } else {
      return i;
    }
  }
  return size;
}

}  // namespace moonpool
