// Catch2, 2.13 or 3, whichever the system has. Tests include this and nothing of Catch2 themselves,
// and use only what both spell alike, or what is named below.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace moonpool::test {

// A matcher: the string holds `part`.
inline auto contains(const std::string& part) {
#if __has_include(<catch2/catch_all.hpp>)
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::Contains(part);
#endif
}

}  // namespace moonpool::test
