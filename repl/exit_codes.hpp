#pragma once

#include "base/error.hpp"

namespace moonpool::repl {

// What the process ends with. Subcommands in Lua give the same numbers.
inline constexpr int kOk = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 3;
inline constexpr int kRefused = 4;
inline constexpr int kPending = 10;
inline constexpr int kDrift = 11;
inline constexpr int kInterrupted = 130;  // as shells have it: 128 + SIGINT

// The code for an error that nobody caught.
int exit_code_for(Error const& error);

}  // namespace moonpool::repl
