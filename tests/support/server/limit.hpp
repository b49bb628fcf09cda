#pragma once

#include <chrono>

#include "base/time.hpp"

namespace moonpool::test {

// For starting servers, and for each thing that is done to one: a crowded machine takes its time.
inline constexpr Duration kServerLimit = std::chrono::minutes(4);

}  // namespace moonpool::test
