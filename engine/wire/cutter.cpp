#include "wire/cutter.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace moonpool::wire {

Cutter::Cutter(int socket) : fd_(fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}

Cutter::~Cutter() {
  if (fd_ >= 0) close(fd_);
}

void Cutter::cut() const noexcept {
  if (fd_ >= 0) shutdown(fd_, SHUT_RDWR);
}

}  // namespace moonpool::wire
