#pragma once

#include <memory>
#include <string>

struct pg_conn;

namespace pqxx {
class connection;
}

namespace moonpool::wire {

// A live connection in its two shapes: the pqxx::connection that owns and closes it, and the pg_conn
// beside it that statements are sent and read with (libpqxx has no pipeline, no deadline, and no
// DETAIL, HINT or constraint in its errors).
class RawConnection {
 public:
  // Adopts what pqxx::connecting produced. Throws Error(connection) when it cannot be put into
  // non-blocking pipeline mode.
  explicit RawConnection(pqxx::connection&& connected);
  ~RawConnection();
  RawConnection(RawConnection const&) = delete;
  RawConnection& operator=(RawConnection const&) = delete;

  pg_conn* get() const { return raw_; }

 private:
  std::unique_ptr<pqxx::connection> owner_;
  pg_conn* raw_ = nullptr;
};

}  // namespace moonpool::wire
