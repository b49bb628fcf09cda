#pragma once

#include "arguments.hpp"
#include "terminal.hpp"

namespace moonpool::script {
class State;
}

namespace moonpool::repl {

// The prompt, the input that is piped in, or the texts of -c. What the input means is for
// lua/moonpool/console; here are the terminal and the loop. Gives the exit code; throws Error where
// there is nothing to talk to.
int run_shell(script::State& state, Arguments const& arguments, Terminal const& terminal);

}  // namespace moonpool::repl
