#include "dev/binaries.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/error.hpp"
#include "dev/spawn.hpp"

namespace moonpool::dev {
namespace {

namespace fs = std::filesystem;

constexpr int kOldest = 13;

std::vector<fs::path> path_folders() {
  std::vector<fs::path> folders;
  auto const* path = std::getenv("PATH");
  std::istringstream words(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(words, folder, ':');) {
    if (folder.starts_with('/')) folders.emplace_back(folder);
  }
  return folders;
}

bool is_program(fs::path const& file) {
  std::error_code closed;
  return fs::is_regular_file(file, closed) && ::access(file.c_str(), X_OK) == 0;
}

std::string first_line(fs::path const& program, std::string const& argument) {
  try {
    SpawnRequest request;
    request.program = program;
    request.arguments = {argument};
    auto const finished = run(std::move(request), {}, Deadline::in(std::chrono::seconds(10)));
    if (finished.exit_code == 0) return finished.output.substr(0, finished.output.find('\n'));
  } catch (Error const&) {
    // A candidate that cannot be run is as good as none; the caller tells what was looked at.
  }
  return {};
}

// The folders below `parent` that hold one version each, the newest first.
std::vector<fs::path> by_version(fs::path const& parent, std::string_view prefix,
                                 fs::path const& below) {
  std::vector<std::pair<int, fs::path>> found;
  std::error_code none;
  for (auto const& entry : fs::directory_iterator(parent, none)) {
    auto const name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    int version = 0;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), version);
    if (version > 0) found.emplace_back(version, entry.path() / below);
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> folders;
  folders.reserve(found.size());
  for (auto& [version, folder] : found) folders.push_back(std::move(folder));
  return folders;
}

int version_of(fs::path const& folder) {
  return parse_version(first_line(folder / "postgres", "--version"));
}

std::string advice_here() {
  std::ifstream file("/etc/os-release");
  return install_advice(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::string join(std::vector<std::string> const& words) {
  std::string text;
  for (auto const& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

[[noreturn]] void report_missing(std::optional<int> version, std::string const& seen) {
  auto const wanted = version ? "PostgreSQL " + std::to_string(*version) : "PostgreSQL's server";
  throw Error(ErrorKind::environment, wanted + " was not found on this machine" + seen)
      .hint(advice_here() + " Installed elsewhere: set MOONPOOL_PG_BIN to the folder of initdb.");
}

}  // namespace

std::vector<fs::path> binary_candidates() {
  if (auto const* asked = std::getenv("MOONPOOL_PG_BIN"); asked != nullptr && *asked != '\0') {
    return {asked};
  }
  std::vector<fs::path> folders;
  auto const add = [&folders](std::vector<fs::path> const& more) {
    for (auto const& folder : more) {
      if (std::find(folders.begin(), folders.end(), folder) == folders.end()) {
        folders.push_back(folder);
      }
    }
  };
  auto const path = path_folders();
  for (auto const& folder : path) {
    if (!is_program(folder / "pg_config")) continue;
    if (auto const line = first_line(folder / "pg_config", "--bindir"); line.starts_with('/')) {
      add({line});
    }
    break;
  }
  add(by_version("/usr/lib/postgresql", "", "bin"));
  add(by_version("/usr", "pgsql-", "bin"));
  add(by_version("/usr/libexec", "postgresql", ""));
  add({"/usr/local/pgsql/bin"});
  add(path);
  return folders;
}

std::vector<std::string> missing_tools(fs::path const& folder) {
  std::vector<std::string> missing;
  for (auto const* name : {"initdb", "postgres", "pg_basebackup"}) {
    if (!is_program(folder / name)) missing.emplace_back(name);
  }
  return missing;
}

int parse_version(std::string_view text) {
  constexpr std::string_view kName = "(PostgreSQL) ";
  auto const at = text.find(kName);
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + kName.size());
  int version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

std::string install_advice(std::string_view os_release) {
  std::string ids;
  std::istringstream lines{std::string(os_release)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("ID=") && !line.starts_with("ID_LIKE=")) continue;
    auto value = line.substr(line.find('=') + 1);
    std::erase(value, '"');
    ids += " " + value;
  }
  ids += " ";
  auto const is = [&ids](std::string const& id) {
    return ids.find(" " + id + " ") != std::string::npos;
  };
  if (is("debian") || is("ubuntu")) return "Install it: apt-get install postgresql.";
  if (is("fedora") || is("rhel") || is("centos")) {
    return "Install it: dnf install postgresql-server postgresql.";
  }
  if (is("alpine")) return "Install it: apk add postgresql postgresql-client.";
  if (is("arch")) return "Install it: pacman -S postgresql.";
  if (is("suse") || is("opensuse"))
    return "Install it: zypper install postgresql-server postgresql.";
  return "Install the PostgreSQL server and client packages (initdb, postgres, pg_basebackup).";
}

Binaries find_binaries(std::span<fs::path const> candidates, std::optional<int> version) {
  std::string seen;
  for (auto const& folder : candidates) {
    auto const missing = missing_tools(folder);
    if (missing.size() == 3) continue;
    if (!missing.empty()) {
      seen += "; " + folder.string() + " lacks " + join(missing);
      continue;
    }
    auto const found = version_of(folder);
    if (found < kOldest) {
      seen += "; " + folder.string() + (found == 0 ? " does not run" : " is older than 13");
    } else if (version && found != *version) {
      seen += "; " + folder.string() + " is version " + std::to_string(found);
    } else {
      return {folder, found};
    }
  }
  report_missing(version, seen);
}

}  // namespace moonpool::dev
