#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "dev/account.hpp"

namespace moonpool::dev {

// A program to run, and how. It starts in "/", with a small environment of its own (nothing of PG*
// or LC_* leaks in), default signal handling, umask 077, and none of this process's descriptors.
struct SpawnRequest {
  std::filesystem::path program;
  std::vector<std::string> arguments;  // without the program's name
  Account const* account = nullptr;    // whom to become; null: stay
  int input = -1;                      // -1: /dev/null
  int output = -1;                     // for stdout and stderr; -1: /dev/null
  std::filesystem::path log;  // instead of `output`: a file to append to, opened as `account`
  int announce = -1;          // a socket that gets "PID\n" from the process before it execs
  int keep = -1;              // a descriptor that stays open in the process, as number 4
  bool session = false;       // a session of its own, out of reach of the terminal's Ctrl-C
  bool deaf = false;  // ignores the signals that ask a process to end, from its first moment on
};

// Starts it and returns its process id once it runs. Throws Error(environment) that names the step
// that failed; nothing is left then. The caller reaps it. Usable from any thread of a process with
// many.
pid_t spawn(SpawnRequest const& request);

// Takes note of the end of a child, waiting for it until the deadline (by default not at all), so
// that it is no zombie. Nothing for a process that is no child of ours, or reaped already.
void reap(pid_t pid, Deadline deadline = Deadline(TimePoint::min())) noexcept;

struct Finished {
  int exit_code = 0;   // 128 + n when signal n killed it
  std::string output;  // stdout and stderr together
};

// Runs a program in a process group of its own to its end. At the deadline it is asked to end,
// the group is killed 2 s later, and Error(timeout) thrown.
Finished run(SpawnRequest request, std::string const& input, Deadline deadline);

// run(), and Error(environment) with the program's output when it fails.
std::string run_checked(SpawnRequest request, Deadline deadline);

}  // namespace moonpool::dev
