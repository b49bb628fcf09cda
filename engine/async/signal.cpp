#include "async/signal.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/error.hpp"

namespace moonpool::async {

Signal::Signal() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) {
    throw Error(ErrorKind::environment,
                std::string("cannot make an event descriptor: ") + std::strerror(errno));
  }
}

Signal::~Signal() { close(fd_); }

void Signal::set() noexcept {
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const written = write(fd_, &one, sizeof one);
}

bool Signal::clear() noexcept {
  std::uint64_t count = 0;
  return read(fd_, &count, sizeof count) == sizeof count;
}

Operation<Wakeup> Signal::wait(Deadline deadline) {
  while (!clear()) {
    auto const wakeup = co_await Wait{fd_, Interest::read, deadline};
    if (wakeup != Wakeup::ready) co_return clear() ? Wakeup::ready : wakeup;
  }
  co_return Wakeup::ready;
}

Operation<Wakeup> sleep_until(Deadline deadline) {
  co_return co_await Wait{-1, Interest::none, deadline};
}

}  // namespace moonpool::async
