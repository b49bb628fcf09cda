#pragma once

namespace moonpool::test {

// Under a sanitizer memory is kept after it was freed, and everything takes longer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace moonpool::test
