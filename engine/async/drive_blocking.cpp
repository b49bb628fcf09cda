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
  for (;;) {
    SharedWait::Watch watch{wait.fd, wait.interest, -1};
    if (wait.shared != nullptr && !wait.shared->begin(watch)) return Wakeup::ready;
    pollfd watched[3] = {
        {watch.interest == Interest::none ? -1 : watch.fd, poll_events(watch.interest), 0},
        {watches_interrupt ? interrupt_fd.load() : -1, POLLIN, 0},
        {watch.bell, POLLIN, 0}};
    int const count = poll(watched, 3, milliseconds_left(wait.deadline));
    bool const failed = count < 0 && errno != EINTR;
    if (wait.shared != nullptr) wait.shared->end(watched[0].revents != 0);
    if (failed) return Wakeup::ready;  // the operation meets the error itself
    if (count > 0 && watched[1].revents != 0) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] auto const taken = read(watched[1].fd, &ignored, sizeof ignored);
      return Wakeup::cancelled;
    }
    if (wait.shared != nullptr ? wait.shared->is_over() : count > 0) return Wakeup::ready;
    // What others read, and answers that keep coming, do not put it off.
    if (wait.deadline.passed()) return Wakeup::timed_out;
  }
}

int wait_for_any(std::span<Wait const> waits, std::span<unsigned char> ready, Deadline deadline) {
  thread_local std::vector<pollfd> watched;
  for (;;) {
    // One for each wait, the interrupt, then the bells.
    watched.assign(waits.size() + 1, {-1, POLLIN, 0});
    bool over = false;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      auto const& wait = waits[i];
      SharedWait::Watch watch{wait.fd, wait.interest, -1};
      ready[i] = wait.shared != nullptr && !wait.shared->begin(watch) ? 1 : 0;
      over = over || ready[i] != 0;
      if (ready[i] != 0 || watch.interest == Interest::none) continue;
      watched[i] = {watch.fd, poll_events(watch.interest), 0};
      if (watch.bell >= 0) watched.push_back({watch.bell, POLLIN, 0});
    }
    if (watches_interrupt) watched[waits.size()].fd = interrupt_fd.load();
    int count = poll(watched.data(), watched.size(), over ? 0 : milliseconds_left(deadline));
    // Whoever waits meets the error itself.
    bool const all = count < 0 && errno != EINTR;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].shared != nullptr && ready[i] == 0)
        waits[i].shared->end(watched[i].revents != 0);
    }
    if (watched[waits.size()].revents != 0) {
      forget_interrupt();
      return -1;
    }
    count = 0;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      bool const is_ready =
          waits[i].shared != nullptr ? waits[i].shared->is_over() : watched[i].revents != 0;
      ready[i] = all || is_ready ? 1 : 0;
      count += ready[i];
    }
    if (count > 0 || deadline.passed()) return count;
  }
}

}  // namespace moonpool::async
