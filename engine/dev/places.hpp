#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "dev/account.hpp"

namespace moonpool::dev {

// What decides where clusters lie, as read from the environment of this process.
struct Places {
  std::filesystem::path data;       // $XDG_DATA_HOME, else ~/.local/share; empty without a home
  std::filesystem::path temporary;  // $TMPDIR, else /tmp
  uid_t user = 0;

  static Places here();
};

// Can `account` walk down to `path`? Folders that do not exist yet do not stand in the way.
bool can_reach(Account const& account, std::filesystem::path const& path);

// The folder of the kept cluster `name`: <data>/moonpool/dev/NAME, or /var/lib/moonpool/dev/NAME
// when the servers' account cannot walk there (root's home is closed to others). Throws
// Error(usage) for a name that is not 1 to 32 letters, digits, '-' and '_'.
std::filesystem::path kept_folder(Places const& places, std::string_view name,
                                  Account const& account);

// The folder that process-tied clusters are made in: moonpool-UID in the temporary folder, or in
// /tmp when that one is too deep for a socket's path or closed to the servers' account.
std::filesystem::path passing_folder(Places const& places, Account const& account);

// The folder of the sockets of the cluster in `cluster`: its own, or one with a short path when
// that would not fit into a socket address (107 bytes).
std::filesystem::path socket_folder(Places const& places, std::filesystem::path const& cluster);

// Makes a folder and those above it, and checks that nobody else can write into it: it must be
// ours. With an `account` other than ours others may pass through it (0711), else it is closed
// (0700). Throws Error(environment).
void make_private_folder(std::filesystem::path const& folder, Account const& account);

// Makes a folder for `account` alone (0700) in a folder that is ours; fine when it is there
// already. Throws Error(environment).
void make_folder_of(Account const& account, std::filesystem::path const& folder);

}  // namespace moonpool::dev
