#pragma once

namespace moonpool::script {
class State;
}

namespace moonpool::repl {

// While one lives, Ctrl-C belongs to what runs: the first ends what the engine waits for and the script
// around it; the third in a row ends the process, for scripts that see neither. One at a time.
class Interrupts {
 public:
  // The state must outlive it.
  explicit Interrupts(script::State& state);
  ~Interrupts();
  Interrupts(Interrupts const&) = delete;
  Interrupts& operator=(Interrupts const&) = delete;

  // Before each run: earlier ones are forgotten.
  static void forget();
  // Was Ctrl-C pressed since?
  static bool pending();
};

}  // namespace moonpool::repl
