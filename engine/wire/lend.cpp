// The connection in the hands of somebody who speaks libpq or libpqxx.
#include "base/error.hpp"
#include "wire/connection.hpp"
#include "wire/pq.hpp"
#include "wire/raw_connection.hpp"

namespace moonpool::wire {

async::Operation<void> Connection::lend(Deadline deadline) {
  auto leaving = leave_pipeline(deadline);
  co_await std::move(leaving);
  expect(Expected::What::statement, 0, "");
  pq::set_nonblocking(raw_->get(), false);
  pq::set_notice_receiver(raw_->get(), others_notices_, nullptr);
}

pg_conn* Connection::lent() const { return raw_->get(); }

bool Connection::take_back() {
  auto* const raw = raw_->get();
  pq::set_notice_receiver(raw, &keep_notice, this);
  session_changed_ = true;
  // Somebody's answers are still on their way, or a COPY is open: nobody can tell where it stands.
  bool const in_step = pq::is_open(raw) &&
                       pq::transaction_status(raw) != pq::TransactionStatus::active &&
                       pq::set_nonblocking(raw);
  if (in_step) {
    return_to_pipeline();
  } else {
    lost_ = true;
  }
  return is_open();
}

}  // namespace moonpool::wire
