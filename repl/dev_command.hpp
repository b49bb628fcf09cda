#pragma once

namespace CLI {
class App;
}

namespace moonpool::repl {

// Adds `dev` with its subcommands (start, stop, status, psql, reset, env, run) to the command line.
// One that is chosen runs while the command line is parsed, tells its own errors on stderr, and
// leaves the exit code of the process in `exit_code`: 0 ok, 1 failure, 2 usage, 3 database
// unreachable, and with `run` that of the command. REQUIRES: `exit_code` lives as long as `app`.
void add_dev_command(CLI::App& app, int& exit_code);

}  // namespace moonpool::repl
