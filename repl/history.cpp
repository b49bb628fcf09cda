#include "history.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <string>

namespace moonpool::repl {
namespace {

std::string written(std::string_view entry) {
  std::string text;
  for (char const c : entry) {
    text += c;
    if (c == '\n') text += '\t';
  }
  return text + '\n';
}

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    auto const count = ::write(descriptor, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

std::vector<std::string> History::load() const {
  std::vector<std::string> entries;
  if (file_.empty()) return entries;
  std::ifstream file(file_, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() == '\t' && !entries.empty()) {
      entries.back() += '\n' + line.substr(1);
    } else if (!line.empty()) {
      entries.push_back(std::move(line));
    }
  }
  if (entries.size() <= kMost) return entries;
  bool const is_far_past = entries.size() > 2 * kMost;
  entries.erase(entries.begin(), entries.end() - kMost);
  if (is_far_past) {
    // Beside it and then in its place, so that no reader sees half of it.
    auto const beside = file_.string() + "." + std::to_string(getpid());
    int const descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) return entries;
    for (auto const& entry : entries) write_all(descriptor, written(entry));
    ::close(descriptor);
    std::error_code ignored;
    std::filesystem::rename(beside, file_, ignored);
  }
  return entries;
}

void History::add(std::string_view entry) const {
  if (file_.empty() || entry.empty()) return;
  std::error_code ignored;
  auto const folder = file_.parent_path();
  if (std::filesystem::create_directories(folder, ignored)) ::chmod(folder.c_str(), 0700);
  int const descriptor = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return;
  // Also where an older file was readable by others.
  ::fchmod(descriptor, 0600);
  write_all(descriptor, written(entry));
  ::close(descriptor);
}

std::filesystem::path history_file() {
  auto const folder = [](char const* name) -> std::filesystem::path {
    char const* const value = std::getenv(name);
    return value != nullptr && *value == '/' ? value : "";
  };
  if (auto const state = folder("XDG_STATE_HOME"); !state.empty())
    return state / "moonpool/history";
  if (auto const home = folder("HOME"); !home.empty())
    return home / ".local/state/moonpool/history";
  return {};
}

}  // namespace moonpool::repl
