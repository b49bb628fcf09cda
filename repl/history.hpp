#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moonpool::repl {

// What was typed, kept between sessions: one entry after the other, the further lines of an entry
// begin with a tab. The file is for its owner's eyes only. Sessions that run at the same time add to
// the same file. What cannot be read or written is no error: the shell works without.
class History {
 public:
  explicit History(std::filesystem::path file) : file_(std::move(file)) {}

  // The entries, oldest first; the file is cut when it has grown far past the most that is kept.
  std::vector<std::string> load() const;
  void add(std::string_view entry) const;

  static constexpr std::size_t kMost = 5000;

 private:
  std::filesystem::path file_;
};

// $XDG_STATE_HOME/moonpool/history, by default under ~/.local/state; empty where there is no home.
std::filesystem::path history_file();

}  // namespace moonpool::repl
