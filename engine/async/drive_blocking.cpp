#include "async/drive_blocking.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <vector>

namespace moonpool::async {
namespace {

// The descriptor of the living scope, or -1. Written to from a signal handler, hence lock-free.
std::atomic<int> interrupt_fd{-1};
std::atomic<bool> scope_taken{false};
thread_local bool watches_interrupt = false;
thread_local int blocking_depth = 0;

// Rounded up: waking a moment early would spin until the deadline.
int milliseconds_left(Deadline deadline) {
  if (deadline.is_never()) return -1;
  auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count();
  return static_cast<int>(std::min<decltype(left)>(left, 1'000'000'000));
}

short poll_events(Interest interest) {
  unsigned events = 0;
  if ((static_cast<unsigned>(interest) & static_cast<unsigned>(Interest::read)) != 0) {
    events |= POLLIN;
  }
  if ((static_cast<unsigned>(interest) & static_cast<unsigned>(Interest::write)) != 0) {
    events |= POLLOUT;
  }
  return static_cast<short>(events);
}

}  // namespace

bool thread_blocks() { return blocking_depth > 0; }
BlockingScope::BlockingScope() { ++blocking_depth; }
BlockingScope::~BlockingScope() { --blocking_depth; }

InterruptScope::InterruptScope() : outermost_(!scope_taken.exchange(true)) {
  if (!outermost_) return;
  interrupt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  watches_interrupt = true;
}

InterruptScope::~InterruptScope() {
  if (!outermost_) return;
  watches_interrupt = false;
  int const fd = interrupt_fd.exchange(-1);
  if (fd >= 0) close(fd);
  scope_taken = false;
}

void forget_interrupt() noexcept {
  std::uint64_t ignored = 0;
  int const fd = interrupt_fd;
  if (fd >= 0) [[maybe_unused]]
    auto const taken = read(fd, &ignored, sizeof ignored);
}

bool interrupt() noexcept {
  int const fd = interrupt_fd;
  if (fd < 0) return false;
  int const kept = errno;
  std::uint64_t const one = 1;
  bool const told = write(fd, &one, sizeof one) == sizeof one;
  errno = kept;
  return told;
}

Wakeup wait_blocking(Wait const& wait) {
  pollfd watched[2] = {
      {wait.interest == Interest::none ? -1 : wait.fd, poll_events(wait.interest), 0},
      {watches_interrupt ? interrupt_fd.load() : -1, POLLIN, 0}};
  for (;;) {
    int const count = poll(watched, 2, milliseconds_left(wait.deadline));
    if (count < 0 && errno != EINTR) return Wakeup::ready;  // the operation meets the error itself
    if (count > 0) {
      if (watched[1].revents != 0) {
        std::uint64_t ignored = 0;
        [[maybe_unused]] auto const taken = read(watched[1].fd, &ignored, sizeof ignored);
        return Wakeup::cancelled;
      }
      return Wakeup::ready;
    }
    if (wait.deadline.passed()) return Wakeup::timed_out;
  }
}

int wait_for_any(std::span<Wait const> waits, std::span<unsigned char> ready, Deadline deadline) {
  thread_local std::vector<pollfd> watched;
  watched.clear();
  for (auto const& wait : waits) {
    watched.push_back(
        {wait.interest == Interest::none ? -1 : wait.fd, poll_events(wait.interest), 0});
  }
  watched.push_back({watches_interrupt ? interrupt_fd.load() : -1, POLLIN, 0});
  for (;;) {
    int count = poll(watched.data(), watched.size(), milliseconds_left(deadline));
    // Whoever waits meets the error itself.
    bool const all = count < 0 && errno != EINTR;
    if (count <= 0 && !all && !deadline.passed()) continue;
    if (watched.back().revents != 0) {
      forget_interrupt();
      return -1;
    }
    count = 0;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      ready[i] = all || watched[i].revents != 0 ? 1 : 0;
      count += ready[i];
    }
    return count;
  }
}

}  // namespace moonpool::async
