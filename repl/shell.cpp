#include "shell.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

#include "async/drive_blocking.hpp"
#include "base/error.hpp"
#include "exit_codes.hpp"
#include "history.hpp"
#include "interrupts.hpp"
#include "line_editor.hpp"
#include "script/state.hpp"

namespace moonpool::repl {
namespace {

using script::Object;
using script::State;

// The first Ctrl-C ends a query or a loop, the second the console's own work, such as drawing.
constexpr int kPatience = 3;

// What the console made of a piece of input.
struct Outcome {
  enum class Status { done, more, failed, ask, watch, quit };
  Status status = Status::done;
  int exit_code = kOk;   // failed
  double interval = 0;   // watch: seconds until it wants to be asked again
  std::string question;  // ask: to be answered with yes or no
  std::string remember;  // for the history; empty: nothing
};

Outcome read_outcome(script::Values const& results) {
  Outcome outcome;
  auto const& told = results.at(0);
  auto const status = told["status"].as<std::string>();
  using Status = Outcome::Status;
  outcome.status = status == "more"     ? Status::more
                   : status == "failed" ? Status::failed
                   : status == "ask"    ? Status::ask
                   : status == "watch"  ? Status::watch
                   : status == "quit"   ? Status::quit
                                        : Status::done;
  outcome.exit_code = told["exit_code"].value_or(kFailure);
  outcome.interval = told["interval"].value_or(2.0);
  outcome.question = told["question"].value_or(std::string());
  outcome.remember = told["remember"].value_or(std::string());
  return outcome;
}

class Shell {
 public:
  Shell(State& state, Arguments const& arguments, Terminal const& terminal)
      : state_(state), arguments_(arguments), terminal_(terminal), console_(open()) {}

  int run_commands() {
    for (auto const& command : arguments_.commands) {
      auto outcome = feed(command);
      if (outcome.status == Outcome::Status::more || outcome.status == Outcome::Status::done) {
        outcome = send("finish");
      }
      if (outcome.status == Outcome::Status::quit) break;
      if (outcome.status == Outcome::Status::failed) return close(outcome.exit_code);
    }
    return close(kOk);
  }

  int run_piped() {
    for (std::string line; std::getline(std::cin, line);) {
      auto const outcome = feed(line);
      if (outcome.status == Outcome::Status::failed) return close(outcome.exit_code);
      if (outcome.status == Outcome::Status::quit) return close(kOk);
    }
    auto const outcome = send("finish");
    return close(outcome.status == Outcome::Status::failed ? outcome.exit_code : kOk);
  }

  int run_prompt() {
    std::signal(SIGPIPE, SIG_IGN);  // a pager may be left early
    std::fputs(console_.send("connect").at(0).as<std::string>().c_str(), stdout);
    auto const editor = make_line_editor();
    History const history(history_file());
    for (auto const& entry : history.load()) editor->remember(entry);
    editor->complete_with([this](auto line, auto cursor) { return complete(line, cursor); });
    for (;;) {
      auto const reading = editor->read(console_.send("prompt").at(0).as<std::string>());
      if (reading.end == LineEditor::End::input) return close(kOk);
      if (reading.end == LineEditor::End::interrupted) {
        console_.send("abandon");
        continue;
      }
      auto outcome = safely([&] { return feed(reading.text); });
      if (!outcome.remember.empty()) {
        editor->remember(outcome.remember);
        history.add(outcome.remember);
      }
      while (outcome.status == Outcome::Status::ask) {
        auto const answer = editor->read(outcome.question);
        bool const agreed =
            answer.end == LineEditor::End::line && (answer.text == "y" || answer.text == "yes");
        outcome = safely([&] { return send("answer", {agreed}); });
      }
      if (outcome.status == Outcome::Status::quit) return close(kOk);
      if (outcome.status == Outcome::Status::watch) watch(outcome.interval);
    }
  }

 private:
  Object open() {
    auto const face = state_.require("moonpool");
    auto const console = state_.require("moonpool.console.shell");
    auto const size = terminal_size();
    bool const interactive =
        terminal_.is_interactive() && arguments_.action == Arguments::Action::shell;
    return console.call_for_object("new", {face, Value::map({{"interactive", interactive},
                                                             {"color", terminal_.color},
                                                             {"talk_color", terminal_.talk_color},
                                                             {"json", arguments_.json},
                                                             {"read_only", arguments_.read_only},
                                                             {"version", MOONPOOL_VERSION},
                                                             {"columns", size.columns},
                                                             {"lines", size.lines}})});
  }

  Outcome send(char const* method, std::vector<script::Argument> const& args = {}) {
    Interrupts::forget();
    // One for each: a Ctrl-C that Lua code saw must not end what the engine waits for next.
    async::InterruptScope const scope;
    auto outcome = read_outcome(console_.send(method, args));
    std::fflush(stdout);
    return outcome;
  }

  Outcome feed(std::string const& text) {
    auto const size = terminal_size();
    return send("feed", {text, size.columns, size.lines});
  }

  // The console catches what goes wrong in what it runs; what gets past it, a second Ctrl-C for one,
  // must not end the session.
  template <class Work>
  Outcome safely(Work const& work) {
    try {
      return work();
    } catch (Error const& error) {
      complain(terminal_, error.message());
      console_.send("abandon");
      return {};
    }
  }

  void watch(double interval) {
    async::InterruptScope const scope;
    while (!Interrupts::pending()) {
      auto const deadline = Deadline::in(
          std::chrono::duration_cast<Duration>(std::chrono::duration<double>(interval)));
      if (async::wait_blocking({.deadline = deadline}) == async::Wakeup::cancelled) break;
      try {
        auto const again = read_outcome(console_.send("again"));
        std::fflush(stdout);
        if (again.status != Outcome::Status::watch) break;
        interval = again.interval;
      } catch (Error const& error) {
        complain(terminal_, error.message());
        break;
      }
    }
    std::fputs("\n", stdout);
  }

  Completions complete(std::string_view line, std::size_t cursor) {
    try {
      auto const results = console_.send("complete", {line, cursor});
      Completions completions;
      completions.start = results.at(0).as<std::size_t>();
      for (auto const& candidate : results.at(1)) {
        completions.candidates.push_back(candidate.as<std::string>());
      }
      return completions;
    } catch (Error const&) {
      return {cursor, {}};  // no completion is better than an error in the middle of a line
    }
  }

  int close(int code) {
    console_.send("close");
    return code;
  }

  State& state_;
  Arguments const& arguments_;
  Terminal const& terminal_;
  Object console_;
};

}  // namespace

int run_shell(State& state, Arguments const& arguments, Terminal const& terminal) {
  Interrupts const interrupts(state, kPatience);
  Shell shell(state, arguments, terminal);
  if (arguments.action == Arguments::Action::command) return shell.run_commands();
  return terminal.is_interactive() ? shell.run_prompt() : shell.run_piped();
}

}  // namespace moonpool::repl
