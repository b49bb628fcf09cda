#include "dev/process_table.hpp"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "dev/descriptor.hpp"

namespace moonpool::dev {
namespace {

namespace fs = std::filesystem;

// By read(2): a process may end between open and read, which a stream would throw for.
std::optional<std::string> contents(fs::path const& file) {
  Descriptor const descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor) return {};
  std::string text;
  std::array<char, 4096> space{};
  for (;;) {
    auto const got = ::read(descriptor.get(), space.data(), space.size());
    if (got < 0) return {};
    if (got == 0) return text;
    text.append(space.data(), static_cast<std::size_t>(got));
  }
}

std::optional<Process> read_process(pid_t pid) {
  auto const folder = fs::path("/proc") / std::to_string(pid);
  auto const stat = contents(folder / "stat");
  if (!stat) return {};
  // "PID (program) S PPID ...": the program's name may itself hold spaces and parentheses.
  auto const open = stat->find('(');
  auto const close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  Process process;
  process.pid = pid;
  process.program = stat->substr(open + 1, close - open - 1);
  char state = 'X';
  std::istringstream(stat->substr(close + 1)) >> state >> process.parent;
  if (state == 'Z' || state == 'X') return {};
  process.stopped = state == 'T';
  auto const line = contents(folder / "cmdline").value_or("");
  for (std::size_t at = 0; at < line.size();) {
    auto const end = std::min(line.find('\0', at), line.size());
    if (end > at) process.words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return process;
}

bool is_below(fs::path const& path, fs::path const& folder) {
  auto const text = path.string();
  auto const prefix = folder.string();
  return text.starts_with(prefix) && (text.size() == prefix.size() || text[prefix.size()] == '/');
}

}  // namespace

std::string_view Process::title() const {
  if (words.empty()) return {};
  std::string_view text = words.front();
  constexpr std::string_view kPrefix = "postgres: ";
  if (!text.starts_with(kPrefix)) return {};
  text.remove_prefix(kPrefix.size());
  if (auto const colon = text.find(": "); text.starts_with("moonpool/") && colon != text.npos) {
    text.remove_prefix(colon + 2);
  }
  return text;
}

std::vector<Process> all_processes() {
  std::vector<Process> found;
  std::error_code ignored;
  for (auto const& entry : fs::directory_iterator("/proc", ignored)) {
    auto const name = entry.path().filename().string();
    pid_t pid = 0;
    auto const parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    if (auto process = read_process(pid)) found.push_back(std::move(*process));
  }
  return found;
}

std::vector<Process> children_of(pid_t parent) {
  auto found = all_processes();
  std::erase_if(found, [parent](Process const& process) { return process.parent != parent; });
  return found;
}

bool is_alive(pid_t pid) { return pid > 0 && read_process(pid).has_value(); }

bool is_stopped(pid_t pid) {
  auto const process = pid > 0 ? read_process(pid) : std::nullopt;
  return process && process->stopped;
}

bool is_postmaster_of(pid_t pid, fs::path const& data) {
  if (pid <= 0) return false;
  auto process = read_process(pid);
  // Between exec and its first instruction a process has no command line yet.
  for (int tries = 0; process && process->words.empty() && tries < 100; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    process = read_process(pid);
  }
  if (!process) return false;
  auto const& words = process->words;
  auto const option = std::find(words.begin(), words.end(), "-D");
  return option != words.end() && std::next(option) != words.end() &&
         *std::next(option) == data.string();
}

std::vector<Process> processes_in(fs::path const& folder) {
  auto found = all_processes();
  std::erase_if(found, [&](Process const& process) {
    if (process.program != "postgres" && process.program != "initdb" &&
        process.program != "pg_basebackup") {
      return true;
    }
    std::error_code ignored;
    auto const place = fs::path("/proc") / std::to_string(process.pid) / "cwd";
    if (is_below(fs::read_symlink(place, ignored), folder)) return false;
    return std::none_of(process.words.begin(), process.words.end(),
                        [&](std::string const& word) { return is_below(word, folder); });
  });
  return found;
}

void remove_shared_memory_of(std::vector<pid_t> const& creators) {
  std::ifstream table("/proc/sysvipc/shm");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    long key = 0, size = 0;
    int id = 0, permissions = 0, attached = 0;
    pid_t creator = 0, last = 0;
    if (!(std::istringstream(line) >> key >> id >> permissions >> size >> creator >> last >>
          attached)) {
      continue;
    }
    bool const ours = std::find(creators.begin(), creators.end(), creator) != creators.end();
    if (ours && attached == 0 && !is_alive(creator)) ::shmctl(id, IPC_RMID, nullptr);
  }
}

}  // namespace moonpool::dev
