#include <unistd.h>
#include <cerrno>
#include <cstdio>

#include "interrupts.hpp"
#include "line_editor.hpp"

namespace moonpool::repl {
namespace {

// Lines as the terminal gives them: its own editing, no recall, no completion.
class PlainEditor final : public LineEditor {
 public:
  Reading read(std::string const& prompt) override {
    show(prompt);
    Reading reading;
    Interrupts::forget();
    for (;;) {
      char byte = 0;
      auto const count = ::read(STDIN_FILENO, &byte, 1);
      if (count < 0 && errno == EINTR) {
        if (!Interrupts::pending()) continue;
        std::fputs("\n", stdout);
        return {End::interrupted, ""};
      }
      if (count <= 0) {
        reading.end = reading.text.empty() ? End::input : End::line;
        return reading;
      }
      if (byte == '\n') return reading;
      reading.text += byte;
    }
  }

  void remember(std::string const&) override {}
  void complete_with(Completer) override {}

 private:
  static void show(std::string const& prompt) {
    bool visible = true;
    for (char const c : prompt) {
      if (c == '\1' || c == '\2') {
        visible = c == '\2';
      } else if (visible) {
        std::fputc(c, stdout);
      }
    }
    std::fflush(stdout);
  }
};

}  // namespace

std::unique_ptr<LineEditor> make_plain_editor() { return std::make_unique<PlainEditor>(); }

#ifndef MOONPOOL_READLINE
std::unique_ptr<LineEditor> make_line_editor() { return make_plain_editor(); }
#endif

}  // namespace moonpool::repl
