#pragma once

namespace moonpool::script {
class State;
}

namespace moonpool::repl {

// While one lives, Ctrl-C belongs to what runs: the first ends what the engine waits for and the script
// around it; `patience` of them in a row end the process, for scripts that see neither. One at a time.
class Interrupts {
 public:
  // The state must outlive it.
  Interrupts(script::State& state, int patience);
  ~Interrupts();
  Interrupts(Interrupts const&) = delete;
  Interrupts& operator=(Interrupts const&) = delete;

  // Before each run: earlier ones are forgotten.
  static void forget();
  // Was Ctrl-C pressed since?
  static bool pending();
};

}  // namespace moonpool::repl
