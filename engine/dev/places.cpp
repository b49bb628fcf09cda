#include "dev/places.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"

namespace moonpool::dev {
namespace {

namespace fs = std::filesystem;

fs::path absolute_variable(char const* name) {
  auto const* value = std::getenv(name);
  return value != nullptr && *value == '/' ? fs::path(value) : fs::path();
}

bool fits_a_socket(fs::path const& folder) {
  constexpr auto kLimit = sizeof(sockaddr_un::sun_path) - 1;
  return (folder / ".s.PGSQL.65535").string().size() <= kLimit;
}

// FNV-1a: the same path has the same short name in every build and on every machine.
std::string short_name(fs::path const& path) {
  std::uint64_t hash = 14695981039346656037U;
  for (char const c : path.string()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return std::string(text, 12);
}

// Parents that are missing; chmod because root may run with a umask that closes them to everybody.
void make_parents(fs::path const& folder, Account const& account) {
  fs::path walked;
  for (auto const& part : folder) {
    walked /= part;
    auto const mode = static_cast<mode_t>(account.is_self() ? 0700 : 0755);
    if (::mkdir(walked.c_str(), mode) == 0) ::chmod(walked.c_str(), mode);
  }
}

fs::path private_temporary(fs::path const& temporary, uid_t user) {
  return temporary / ("moonpool-" + std::to_string(user));
}

}  // namespace

Places Places::here() {
  Places places;
  places.data = absolute_variable("XDG_DATA_HOME");
  if (auto const home = absolute_variable("HOME"); places.data.empty() && !home.empty()) {
    places.data = home / ".local/share";
  }
  places.temporary = absolute_variable("TMPDIR");
  if (places.temporary.empty()) places.temporary = "/tmp";
  places.user = ::geteuid();
  return places;
}

bool can_reach(Account const& account, fs::path const& path) {
  if (account.is_self()) return true;
  fs::path walked;
  for (auto const& part : path) {
    walked /= part;
    struct stat info {};
    if (::stat(walked.c_str(), &info) != 0) return errno == ENOENT;
    auto const needed = info.st_uid == account.uid   ? S_IXUSR
                        : info.st_gid == account.gid ? S_IXGRP
                                                     : S_IXOTH;
    if (!S_ISDIR(info.st_mode) || (info.st_mode & static_cast<mode_t>(needed)) == 0) return false;
  }
  return true;
}

fs::path kept_folder(Places const& places, std::string_view name, Account const& account) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (name.empty() || name.size() > 32 || name.starts_with('-') ||
      name.find_first_not_of(kAllowed) != std::string_view::npos) {
    throw Error(ErrorKind::usage, "'" + std::string(name) +
                                      "' cannot name a cluster: use 1 to 32 "
                                      "letters, digits, '-' and '_', not beginning with '-'");
  }
  if (!places.data.empty()) {
    auto folder = places.data / "moonpool/dev" / name;
    if (can_reach(account, folder)) return folder;
  }
  if (account.is_self()) {
    throw Error(ErrorKind::environment, "there is no folder to keep a cluster in")
        .hint("Set HOME or XDG_DATA_HOME to an absolute path.");
  }
  return fs::path("/var/lib/moonpool/dev") / name;
}

fs::path passing_folder(Places const& places, Account const& account) {
  auto folder = private_temporary(places.temporary, places.user);
  if (fits_a_socket(folder / "0123456789abcdef/s") && can_reach(account, folder)) return folder;
  return private_temporary("/tmp", places.user);
}

fs::path socket_folder(Places const& places, fs::path const& cluster) {
  if (fits_a_socket(cluster / "s")) return cluster / "s";
  return private_temporary("/tmp", places.user) / short_name(cluster);
}

void make_private_folder(fs::path const& folder, Account const& account) {
  make_parents(folder.parent_path(), account);
  auto const mode = static_cast<mode_t>(account.is_self() ? 0700 : 0711);
  if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) {
    throw Error(ErrorKind::environment,
                "cannot make the folder " + folder.string() + ": " + std::strerror(errno));
  }
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() ||
      (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(ErrorKind::environment,
                folder.string() + " is there, but is not a folder that only you can write to")
        .hint("Remove it, or point XDG_DATA_HOME and TMPDIR at folders of your own.");
  }
  // mkdir's mode went through the umask.
  if ((info.st_mode & 07777) != mode && ::chmod(folder.c_str(), mode) != 0) {
    throw Error(ErrorKind::environment,
                "cannot set the permissions of " + folder.string() + ": " + std::strerror(errno));
  }
}

void make_folder_of(Account const& account, fs::path const& folder) {
  bool good = ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST;
  struct stat info {};
  good = good && ::lstat(folder.c_str(), &info) == 0;
  // Whoever was killed between making it and giving it away left it ours.
  if (good && info.st_uid != account.uid) {
    good = ::lchown(folder.c_str(), account.uid, account.gid) == 0;
  }
  if (!good) {
    throw Error(ErrorKind::environment, "cannot make the folder " + folder.string() + " for user " +
                                            account.name + ": " + std::strerror(errno));
  }
}

}  // namespace moonpool::dev
