#include "wire/reach.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <functional>

#include "wire/beside.hpp"

namespace moonpool::wire {

Reach::Reach(pg_conn* connection)
    : canceller_(connection),
      socket_(fcntl(pq::socket_of(connection), F_DUPFD_CLOEXEC, 0)),
      pid_(pq::backend_pid(connection)) {}

Reach::~Reach() {
  if (socket_ >= 0) close(socket_);
}

void Reach::cut() const noexcept {
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

bool Reach::has_unread() const noexcept {
  int bytes = 0;
  return socket_ >= 0 && ioctl(socket_, FIONREAD, &bytes) == 0 && bytes > 0;
}

async::Operation<bool> Reach::cancel(std::shared_ptr<Reach const> reach, Deadline deadline) {
  // Either thread may end first, and the connection before both.
  auto const delivered = std::make_shared<std::atomic<bool>>(false);
  std::function<void()> work = [reach, delivered] {
    *delivered = reach->canceller_.cancel().empty();
  };
  auto running = run_beside(std::move(work), deadline);
  bool const done = co_await std::move(running);
  co_return done&&* delivered;
}

}  // namespace moonpool::wire
