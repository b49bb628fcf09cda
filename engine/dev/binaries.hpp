#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonpool::dev {

// The programs of one PostgreSQL installation.
struct Binaries {
  std::filesystem::path folder;
  int version = 0;  // the major one: 15

  std::filesystem::path tool(std::string_view name) const { return folder / name; }
};

// Where to look, best first: $MOONPOOL_PG_BIN alone when it is set; else `pg_config --bindir`, the
// folders that distributions use (newest version first), and PATH.
std::vector<std::filesystem::path> binary_candidates();

// What a folder lacks to build servers from: names of programs, empty when it is complete.
std::vector<std::string> missing_tools(std::filesystem::path const& folder);

// "postgres (PostgreSQL) 15.8 (Debian …)" and "… 17beta1" -> the major version; 0 when it is
// neither.
int parse_version(std::string_view text);

// How to install PostgreSQL on the system that /etc/os-release describes so.
std::string install_advice(std::string_view os_release);

// The first complete installation, of exactly `version` when one is asked for (data folders belong
// to one major version). Throws Error(environment) that says what was found and what to install.
Binaries find_binaries(std::span<std::filesystem::path const> candidates,
                       std::optional<int> version = {});

}  // namespace moonpool::dev
