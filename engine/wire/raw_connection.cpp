#include "wire/raw_connection.hpp"

#include <pqxx/connection>

#include "base/error.hpp"
#include "wire/pq.hpp"

namespace moonpool::wire {

RawConnection::RawConnection(pqxx::connection&& connected) {
  raw_ = std::move(connected).release_raw_connection();
  owner_ = std::make_unique<pqxx::connection>(pqxx::connection::seize_raw_connection(raw_));
  if (!pq::set_nonblocking(raw_) || !pq::enter_pipeline(raw_)) {
    throw Error(ErrorKind::connection,
                "the new connection cannot enter pipeline mode: " + pq::error_message(raw_))
        .at(Phase::connect, Outcome::not_sent);
  }
}

RawConnection::~RawConnection() = default;

}  // namespace moonpool::wire
