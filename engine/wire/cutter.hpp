#pragma once

#include <utility>

namespace moonpool::wire {

// Breaks a connection from another thread than the one that uses it. Holds a descriptor of its own on the
// same socket, because the user's may be closed and its number given away at any moment. Move-only.
// Threads: cut() from any while the object lives.
class Cutter {
 public:
  Cutter() = default;
  // Without a descriptor to spare there is nothing to cut with: then cut() does nothing.
  explicit Cutter(int socket);
  Cutter(Cutter&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Cutter& operator=(Cutter&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Cutter();

  // Both ends see the connection end.
  void cut() const noexcept;

 private:
  int fd_ = -1;
};

}  // namespace moonpool::wire
