#include "program.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "arguments.hpp"
#include "async/drive_blocking.hpp"
#include "base/error.hpp"
#include "dotenv.hpp"
#include "exit_codes.hpp"
#include "interrupts.hpp"
#include "notices.hpp"
#include "script/state.hpp"
#include "shell.hpp"
#include "terminal.hpp"
#include "wire/versions.hpp"

namespace moonpool::repl {
namespace {

// A script in a compiled loop does not see the first Ctrl-C.
constexpr int kPatience = 2;

int print_version(bool json) {
  if (json) {
    std::printf("{\"schema_version\": 1, \"version\": \"%s\"}\n", MOONPOOL_VERSION);
  } else {
    std::printf("moonpool %s\n", MOONPOOL_VERSION);
  }
  return kOk;
}

// The callers that are the user's own: neither C nor the library's modules.
std::string own_frames(std::string const& traceback) {
  std::string own;
  std::istringstream lines(traceback);
  for (std::string line; std::getline(lines, line);) {
    bool const is_frame = line.starts_with("\t");
    if (is_frame && !line.starts_with("\t[") && line.find("lua/moonpool/") == std::string::npos) {
      own += "\n" + line;
    }
  }
  return own.empty() ? own : "\nstack traceback:" + own;
}

// Tells an error that ended the program, and gives the exit code for it.
int tell(Terminal const& terminal, Error const& error, std::string const& traceback) {
  if (error.kind() == ErrorKind::cancelled ||
      (error.kind() == ErrorKind::script && error.message().ends_with("interrupted"))) {
    complain(terminal, "interrupted");
    return kInterrupted;
  }
  // What a script raised is told as it is; the kind in front of it would say nothing.
  bool const is_plain = error.kind() == ErrorKind::script || error.kind() == ErrorKind::usage;
  auto text = is_plain ? error.message() : error.describe();
  if (is_plain && !error.hint().empty()) text += "\n" + error.hint();
  complain(terminal, text + own_frames(traceback));
  return exit_code_for(error);
}

// libpq lays PGOPTIONS on every connection whose DSN says nothing of options.
void ask_for_read_only() {
  char const* const others = std::getenv("PGOPTIONS");
  auto const options =
      std::string(others != nullptr ? others : "") + " -c default_transaction_read_only=on";
  ::setenv("PGOPTIONS", options.c_str(), 1);
}

int run_script(script::State& state, Arguments const& arguments) {
  async::InterruptScope const scope;
  Interrupts const interrupts(state, kPatience);
  state.run_file(arguments.file, arguments.words);
  // A script ends when the tasks that it began have ended.
  state.run_string("local c = package.loaded['moonpool.core.concurrency'] if c then c.finish() end",
                   "=(end of the script)");
  return kOk;
}

int run_subcommand(script::State& state, Arguments const& arguments, Terminal const& terminal) {
  async::InterruptScope const scope;
  Interrupts const interrupts(state, kPatience);
  auto options = arguments.options;
  auto add = [&](char const* key, Value value) { options.emplace_back(key, std::move(value)); };
  add("json", arguments.json);
  add("color", terminal.color);
  add("terminal", terminal.is_interactive());
  add("columns", terminal_size().columns);
  add("version", MOONPOOL_VERSION);
  add("libpq", wire::libpq_version());
  add("libpqxx", wire::libpqxx_version());
  if (!arguments.dsn.empty()) add("dsn", arguments.dsn);
  auto const module = state.require("moonpool.cli." + arguments.name);
  auto const results = module.call("run", {Value(std::move(options))});
  return results.empty() || results.front().is_nil() ? kOk : results.front().as<int>();
}

int run(Arguments const& arguments, Terminal const& terminal) {
  if (arguments.action == Arguments::Action::version) return print_version(arguments.json);
  if (arguments.env_file) load_dotenv();
  if (!arguments.dsn.empty()) ::setenv("MOONPOOL_DSN", arguments.dsn.c_str(), 1);
  if (arguments.read_only) ask_for_read_only();
  // A subcommand says itself where it shows them.
  if (arguments.action != Arguments::Action::subcommand) show_notices();
  script::State state;
  try {
    switch (arguments.action) {
      case Arguments::Action::run:
        return run_script(state, arguments);
      case Arguments::Action::subcommand:
        return run_subcommand(state, arguments, terminal);
      default:
        return run_shell(state, arguments, terminal);
    }
  } catch (Error const& error) {
    return tell(terminal, error, state.traceback());
  }
}

// Results that could not be written are a failure, however well the work went.
int flush(Terminal const& terminal, int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  complain(terminal, "cannot write the results to stdout");
  return code == kOk ? kFailure : code;
}

}  // namespace

int run_program(int argc, char** argv) noexcept {
  Terminal terminal;
  try {
    auto const arguments = read_arguments({argv + 1, argv + argc});
    if (arguments.action == Arguments::Action::done) return arguments.exit_code;
    terminal = look_at_terminal(arguments.color);
    return flush(terminal, run(arguments, terminal));
  } catch (Error const& error) {
    return tell(terminal, error, "");
  } catch (std::exception const& error) {
    complain(terminal, error.what());
  }
  return kFailure;
}

}  // namespace moonpool::repl
