#pragma once

#include <string>
#include <string_view>

namespace moonpool::repl {

enum class ColorMode { automatic, always, never };

// What the process is connected to. Read once; the size is asked for anew each time.
struct Terminal {
  bool input = false;   // stdin is a terminal
  bool output = false;  // stdout is a terminal
  bool talk = false;    // stderr is a terminal
  bool color = false;   // results may be coloured
  bool talk_color = false;

  // May somebody be asked something?
  bool is_interactive() const { return input && output; }
};

// Colour in `automatic` mode: on a terminal that is not dumb, unless NO_COLOR says no; CLICOLOR_FORCE
// says yes without a terminal too.
Terminal look_at_terminal(ColorMode mode);

struct Size {
  int columns = 80;
  int lines = 24;
};

// COLUMNS and LINES where they are set, else what the terminal says, else 80 by 24.
Size terminal_size();

// Writes "moonpool: …" to stderr, "moonpool" in red where that is possible.
void complain(Terminal const& terminal, std::string_view message);

}  // namespace moonpool::repl
