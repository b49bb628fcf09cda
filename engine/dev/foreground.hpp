#pragma once

#include <signal.h>

#include <string>
#include <utility>
#include <vector>

#include "dev/descriptor.hpp"

namespace moonpool::dev {

// Runs one command in the foreground, as a shell does, and takes its signals for it.
//
// While a Foreground lives, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 do not end this
// process: run() passes those that somebody sent to us on to the command (the terminal sends its
// own to both already), and what comes later waits until the Foreground ends. So its owner can
// clear away in peace. REQUIRES: made and used on the main thread, before other threads that do not
// block these signals.
class Foreground {
 public:
  Foreground();
  ~Foreground();
  Foreground(Foreground const&) = delete;
  Foreground& operator=(Foreground const&) = delete;

  // The command's exit code; 128 + n when signal n ended it; 127 when there is no such command and
  // 126 when it cannot be run, told on stderr. `set` is added to the environment, `unset` removed
  // first.
  int run(std::vector<std::string> command,
          std::vector<std::pair<std::string, std::string>> const& set,
          std::vector<std::string> const& unset = {});

 private:
  int pass_signals_until_end(pid_t child);

  sigset_t before_;
  Descriptor signals_;
};

}  // namespace moonpool::dev
