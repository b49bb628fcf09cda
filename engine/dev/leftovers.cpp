#include "dev/leftovers.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "dev/process_table.hpp"

namespace moonpool::dev {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// Does the name still lead to what we hold open? Somebody may have removed it in between.
bool is_still(fs::path const& file, Descriptor const& descriptor) {
  struct stat named {
  }, held{};
  return ::stat(file.c_str(), &named) == 0 && ::fstat(descriptor.get(), &held) == 0 &&
         named.st_ino == held.st_ino && named.st_dev == held.st_dev;
}

constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;

void sweep_one(fs::path const& file) {
  Descriptor const descriptor(::open(file.c_str(), kFlags));
  if (!descriptor || ::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) return;
  if (!is_still(file, descriptor)) return;
  auto folder = file;
  folder.replace_extension();
  try {
    clear_away(folder);
    std::error_code none;
    fs::remove(file, none);
  } catch (Error const&) {
    // Somebody else's mess must not stand in the way of a new cluster; the next one tries again.
  }
}

}  // namespace

Descriptor lock_file(fs::path const& file, Deadline deadline) {
  for (;;) {
    Descriptor descriptor(::open(file.c_str(), kFlags | O_CREAT, 0600));
    if (!descriptor) {
      throw Error(ErrorKind::environment,
                  "cannot open " + file.string() + ": " + std::strerror(errno));
    }
    while (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (deadline.passed()) {
        throw Error(ErrorKind::timeout,
                    "another process is busy with the cluster in " + file.parent_path().string());
      }
      std::this_thread::sleep_for(milliseconds(20));
    }
    if (is_still(file, descriptor)) return descriptor;
  }
}

Descriptor lock_new(fs::path const& file) {
  Descriptor descriptor(::open(file.c_str(), kFlags | O_CREAT | O_EXCL, 0600));
  if (!descriptor || ::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0 ||
      !is_still(file, descriptor)) {
    return {};
  }
  return descriptor;
}

void clear_away(fs::path const& folder) {
  std::vector<pid_t> ended;
  auto const until = Deadline::in(std::chrono::seconds(10));
  // Twice or more: a process may have been starting another one meanwhile.
  for (auto found = processes_in(folder); !found.empty(); found = processes_in(folder)) {
    for (auto const& process : found) {
      ::kill(process.pid, SIGKILL);
      ended.push_back(process.pid);
    }
    if (until.passed()) break;
    std::this_thread::sleep_for(milliseconds(5));
  }
  remove_shared_memory_of(ended);
  std::error_code error;
  do {
    fs::remove_all(folder, error);
  } while (error && !until.passed());
  if (error) {
    throw Error(ErrorKind::environment,
                "cannot remove " + folder.string() + ": " + error.message());
  }
}

void sweep(fs::path const& parent) {
  std::error_code none;
  // Not a range-for, which throws when somebody removes the folder meanwhile.
  for (fs::directory_iterator entry(parent, none), end; !none && entry != end;
       entry.increment(none)) {
    if (entry->path().extension() == ".lock") sweep_one(entry->path());
  }
}

}  // namespace moonpool::dev
