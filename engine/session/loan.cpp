// A transaction's connection in the hands of what takes longer than a call.
#include "base/error.hpp"
#include "session/transaction.hpp"

namespace moonpool::session {

using async::Operation;

Operation<void> Transaction::get_in_step(Deadline deadline) {
  if (loan_ != 0) {
    throw Error(ErrorKind::transaction, "a COPY is open in this transaction")
        .at(Phase::prepare, Outcome::not_sent)
        .on_node(node_)
        .hint("end it before the next statement");
  }
  if (left_) {
    auto undoing = undo_loan(deadline);
    co_await std::move(undoing);
  }
  check_in_step();
}

Operation<void> Transaction::lend(bool undoable, Deadline deadline) {
  auto readying = get_in_step(deadline);
  co_await std::move(readying);
  if (undoable) {
    undo_point_ = "moonpool_" + std::to_string(++names_);
    control_.push_back("SAVEPOINT " + undo_point_);
  }
  auto sending = send_control(deadline);
  auto failure = co_await std::move(sending);
  if (failure) {
    undo_point_.clear();
    throw failure->on_node(node_);
  }
  begun_ = true;
  loan_ = ++loans_;
}

void Transaction::take_back(Error const* error) noexcept {
  loan_ = 0;
  if (state_ != State::open) return;
  bool const ended = placement_.lease->usable() &&
                     placement_.lease->transaction_state() == wire::TransactionState::idle;
  if (ended || (error != nullptr && error->poisons_connection())) {
    state_ = State::broken;
    return;
  }
  auto const point = std::exchange(undo_point_, "");
  if (!placement_.lease->usable()) {
    left_ = true;
    undo_point_ = point;
  } else if (!point.empty() &&
             placement_.lease->transaction_state() == wire::TransactionState::open) {
    control_.push_back("RELEASE SAVEPOINT " + point);
  }
}

// A cancel that overtakes its statement is lost, so it is said again until the answers have come.
Operation<void> Transaction::undo_loan(Deadline deadline) {
  left_ = false;
  auto& connection = placement_.lease.connection();
  auto const limit = deadline.earlier(deadline_);
  while (connection.is_open() && !connection.usable() && !limit.passed()) {
    auto cancelling = connection.cancel(limit);
    bool const delivered = co_await std::move(cancelling);
    if (!delivered) break;
    auto draining = connection.drain(limit.earlier_in(std::chrono::milliseconds(200)));
    co_await std::move(draining);
  }
  auto const point = std::exchange(undo_point_, "");
  if (point.empty() || !connection.usable()) co_return;
  // Ahead of what the end of a savepoint around it has put there meanwhile.
  control_.insert(control_.begin(),
                  {"ROLLBACK TO SAVEPOINT " + point, "RELEASE SAVEPOINT " + point});
}

void Transaction::ride_if_sound(std::string sql) {
  if (state_ != State::open || loan_ != 0 || left_ || !placement_.lease ||
      !placement_.lease->usable() ||
      placement_.lease->transaction_state() != wire::TransactionState::open) {
    return;
  }
  control_.push_back(std::move(sql));
}

}  // namespace moonpool::session
