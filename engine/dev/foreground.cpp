#include "dev/foreground.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/error.hpp"

namespace moonpool::dev {
namespace {

constexpr int kPassed[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

sigset_t watched() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int const signal : kPassed) ::sigaddset(&set, signal);
  ::sigaddset(&set, SIGCHLD);
  return set;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

bool names(std::string_view entry, std::string_view variable) {
  return entry.starts_with(variable) && entry.size() > variable.size() &&
         entry[variable.size()] == '=';
}

std::vector<std::string> environment_with(
    std::vector<std::pair<std::string, std::string>> const& set,
    std::vector<std::string> const& unset) {
  std::vector<std::string> entries;
  for (auto const* const* entry = environ; *entry != nullptr; ++entry) {
    bool const replaced = std::any_of(set.begin(), set.end(),
                                      [&](auto const& pair) { return names(*entry, pair.first); });
    bool const removed = std::any_of(unset.begin(), unset.end(),
                                     [&](auto const& name) { return names(*entry, name); });
    if (!replaced && !removed) entries.emplace_back(*entry);
  }
  for (auto const& [name, value] : set) entries.emplace_back(name).append("=").append(value);
  return entries;
}

}  // namespace

Foreground::Foreground() {
  // A parent that ignores SIGCHLD hands that down, and would leave us without an exit status.
  ::signal(SIGCHLD, SIG_DFL);
  auto const set = watched();
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  signals_ = Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) {
    auto const error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    throw Error(ErrorKind::environment,
                std::string("cannot watch for signals: ") + std::strerror(error));
  }
}

Foreground::~Foreground() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int Foreground::run(std::vector<std::string> command,
                    std::vector<std::pair<std::string, std::string>> const& set,
                    std::vector<std::string> const& unset) {
  auto entries = environment_with(set, unset);
  auto const words = pointers(command);
  auto const environment = pointers(entries);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  ::posix_spawnattr_setsigmask(&attributes, &before_);
  pid_t child = 0;
  auto const error =
      ::posix_spawnp(&child, words[0], nullptr, &attributes, words.data(), environment.data());
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    std::fprintf(stderr, "moonpool: cannot run '%s': %s\n", words[0], std::strerror(error));
    return error == ENOENT ? 127 : 126;
  }
  return pass_signals_until_end(child);
}

int Foreground::pass_signals_until_end(pid_t child) {
  for (;;) {
    int status = 0;
    auto const waited = ::waitpid(child, &status, WNOHANG);
    if (waited == child) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (waited < 0 && errno != EINTR) return 1;
    pollfd polled{signals_.get(), POLLIN, 0};
    ::poll(&polled, 1, 1000);
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      auto const signal = static_cast<int>(info.ssi_signo);
      // Ctrl-C goes to both of us, but when the terminal closes only its session's leader is told.
      bool const has_it = info.ssi_code == SI_KERNEL && signal != SIGHUP;
      if (signal != SIGCHLD && !has_it) ::kill(child, signal);
    }
  }
}

}  // namespace moonpool::dev
