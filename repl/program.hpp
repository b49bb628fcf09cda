#pragma once

namespace moonpool::repl {

// The whole program. Gives its exit code; throws nothing.
int run_program(int argc, char** argv) noexcept;

}  // namespace moonpool::repl
