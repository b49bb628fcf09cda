#include <poll.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "interrupts.hpp"
#include "line_editor.hpp"

namespace moonpool::repl {
namespace {

// What readline's callbacks, which take no context, need.
struct Current {
  LineEditor::Completer completer;
  std::vector<std::string> candidates;
  bool done = false;
  bool at_end = false;
  std::string text;
};

Current& current() {
  static Current instance;
  return instance;
}

void on_line(char* line) {
  auto& now = current();
  now.done = true;
  now.at_end = line == nullptr;
  now.text = line != nullptr ? line : "";
  std::free(line);
  rl_callback_handler_remove();
}

char* next_candidate(char const*, int state) {
  static std::size_t index = 0;
  if (state == 0) index = 0;
  auto const& all = current().candidates;
  return index < all.size() ? strdup(all[index++].c_str()) : nullptr;
}

// readline wants to know which word is completed before it asks for the candidates; ours know better
// than its word breaks, so where a candidate begins earlier or later the difference is put right here.
char** on_tab(char const* word, int start, int) {
  rl_attempted_completion_over = 1;
  auto& now = current();
  if (!now.completer) return nullptr;
  auto found = now.completer(rl_line_buffer, static_cast<std::size_t>(rl_point));
  auto const from = static_cast<std::size_t>(start);
  now.candidates.clear();
  for (auto& candidate : found.candidates) {
    if (found.start < from) {
      auto const shared = from - found.start;
      if (candidate.size() < shared) continue;
      now.candidates.push_back(candidate.substr(shared));
    } else {
      now.candidates.push_back(std::string(rl_line_buffer + from, found.start - from) + candidate);
    }
  }
  rl_completion_append_character = '\0';
  if (now.candidates.empty()) return nullptr;
  return rl_completion_matches(word, next_candidate);
}

std::atomic<bool> resumed = false;

void on_resume(int) { resumed = true; }

int insert_line_break(int, int) { return rl_insert_text("\n"), 0; }

class ReadlineEditor final : public LineEditor {
 public:
  ReadlineEditor() {
    std::setlocale(LC_CTYPE, "");
    rl_readline_name = "moonpool";
    // Also while poll() waits: Ctrl-Z must find the terminal as it was, and the way back.
    rl_persistent_signal_handlers = 1;
    std::signal(SIGCONT, on_resume);
    rl_attempted_completion_function = on_tab;
    rl_completer_word_break_characters = const_cast<char*>(" \t\n\"'`@$><=;|&{(,:.[\\");
    rl_initialize();
    rl_bind_keyseq("\\e\\C-m", insert_line_break);
    using_history();
  }

  Reading read(std::string const& prompt) override {
    auto& now = current();
    now.done = now.at_end = false;
    Interrupts::forget();
    rl_callback_handler_install(prompt.c_str(), on_line);
    while (!now.done) {
      if (Interrupts::pending()) return interrupted();
      pollfd input{STDIN_FILENO, POLLIN, 0};
      int const count = poll(&input, 1, kLongestWait);
      if (count < 0 && errno != EINTR) break;
      rl_check_signals();
      if (resumed.exchange(false)) rl_forced_update_display();
      if (count > 0) rl_callback_read_char();
    }
    if (!now.done) rl_callback_handler_remove();
    if (now.at_end || !now.done) {
      std::fputs("\n", stdout);
      return {End::input, ""};
    }
    return {End::line, std::move(now.text)};
  }

  void remember(std::string const& entry) override {
    auto const* last =
        history_length > 0 ? history_get(history_base + history_length - 1) : nullptr;
    if (last == nullptr || entry != last->line) add_history(entry.c_str());
  }

  void complete_with(Completer completer) override { current().completer = std::move(completer); }

 private:
  // A Ctrl-C between the look at the flag and poll() is seen this late, in milliseconds.
  static constexpr int kLongestWait = 200;

  static Reading interrupted() {
    std::fputs("\n", rl_outstream);
    rl_free_line_state();
    rl_callback_sigcleanup();
    rl_callback_handler_remove();
    return {End::interrupted, ""};
  }
};

}  // namespace

std::unique_ptr<LineEditor> make_line_editor() {
  char const* const kind = std::getenv("TERM");
  if (kind == nullptr || std::strcmp(kind, "dumb") == 0) return make_plain_editor();
  return std::make_unique<ReadlineEditor>();
}

}  // namespace moonpool::repl
