#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moonpool::repl {

// What Tab may put in place of the text from `start` to the cursor.
struct Completions {
  std::size_t start = 0;
  std::vector<std::string> candidates;
};

// Reads what a user types, a line at a time. One in a process.
class LineEditor {
 public:
  enum class End { line, interrupted, input };
  struct Reading {
    End end = End::line;  // interrupted: Ctrl-C; input: Ctrl-D on an empty line, or nothing is left
    std::string
        text;  // without its line break; holds some where several lines were pasted or recalled
  };
  using Completer = std::function<Completions(std::string_view line, std::size_t cursor)>;

  virtual ~LineEditor() = default;

  // Bytes that do not show (colours) stand between \1 and \2 in the prompt.
  virtual Reading read(std::string const& prompt) = 0;
  // Adds an entry, of one or more lines, to what the arrow keys recall.
  virtual void remember(std::string const& entry) = 0;
  virtual void complete_with(Completer completer) = 0;
};

// GNU readline where the build has it, else plain lines.
std::unique_ptr<LineEditor> make_line_editor();
std::unique_ptr<LineEditor> make_plain_editor();

}  // namespace moonpool::repl
