#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace moonpool::repl {
namespace {

bool is_set(char const* name) {
  char const* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool wants_color(ColorMode mode, bool terminal) {
  if (mode != ColorMode::automatic) return mode == ColorMode::always;
  if (is_set("NO_COLOR")) return false;
  if (is_set("CLICOLOR_FORCE") && std::strcmp(std::getenv("CLICOLOR_FORCE"), "0") != 0) return true;
  char const* const kind = std::getenv("TERM");
  return terminal && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

int number_in(char const* name, int otherwise) {
  int const number = is_set(name) ? std::atoi(std::getenv(name)) : 0;
  return number > 0 ? number : otherwise;
}

}  // namespace

Terminal look_at_terminal(ColorMode mode) {
  Terminal terminal;
  terminal.input = isatty(STDIN_FILENO) == 1;
  terminal.output = isatty(STDOUT_FILENO) == 1;
  terminal.talk = isatty(STDERR_FILENO) == 1;
  terminal.color = wants_color(mode, terminal.output);
  terminal.talk_color = wants_color(mode, terminal.talk);
  return terminal;
}

Size terminal_size() {
  Size size;
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) {
    size = {window.ws_col, window.ws_row};
  }
  return {number_in("COLUMNS", size.columns), number_in("LINES", size.lines)};
}

void complain(Terminal const& terminal, std::string_view message) {
  auto const* const name = terminal.talk_color ? "\x1b[31mmoonpool\x1b[0m" : "moonpool";
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %.*s\n", name, static_cast<int>(message.size()), message.data());
}

}  // namespace moonpool::repl
