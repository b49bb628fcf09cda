#include "wire/connection.hpp"

#include <poll.h>
#include <algorithm>
#include <array>
#include <optional>

#include "async/signal.hpp"
#include "wire/check.hpp"
#include "wire/pq.hpp"
#include "wire/raw_connection.hpp"

namespace moonpool::wire {
namespace {

using async::Interest;
using async::Operation;
using async::Wait;
using async::Wakeup;

constexpr unsigned kTurn = 256;  // results that are dropped in one go

}  // namespace

void Connection::keep_notice(void* context, pg_result const* result) {
  constexpr std::size_t kMostNotices = 100;
  auto& self = *static_cast<Connection*>(context);
  bool const kept = self.notices_.size() < kMostNotices;
  if (!kept && !self.listener_) return;
  auto fields = pq::error_fields(result);
  Notice notice{std::move(fields.severity), std::move(fields.sqlstate), std::move(fields.message),
                std::move(fields.routine),  std::move(fields.detail),   std::move(fields.hint)};
  if (self.listener_) self.listener_(notice);
  if (kept) self.notices_.push_back(std::move(notice));
}

Connection::Connection(std::unique_ptr<RawConnection> raw, Options options)
    : raw_(std::move(raw)),
      reach_(std::make_shared<Reach>(raw_->get())),
      cache_(options.statement_cache) {
  others_notices_ = pq::set_notice_receiver(raw_->get(), &keep_notice, this);
}

// A cancel that is still on its way holds the second descriptor of the socket.
Connection::~Connection() {
  raw_.reset();
  reach_->cut();
}

bool Connection::is_open() const { return !lost_ && !unready_ && pq::is_open(raw_->get()); }
bool Connection::usable() const { return is_open() && expected_.empty(); }
int Connection::backend_pid() const { return pq::backend_pid(raw_->get()); }
int Connection::server_version() const { return pq::server_version(raw_->get()); }
int Connection::socket() const { return pq::socket_of(raw_->get()); }
std::string Connection::parameter(char const* name) const {
  return pq::parameter(raw_->get(), name);
}

TransactionState Connection::transaction_state() const {
  switch (pq::transaction_status(raw_->get())) {
    case pq::TransactionStatus::idle:
      return TransactionState::idle;
    case pq::TransactionStatus::active:
      return TransactionState::active;
    case pq::TransactionStatus::in_transaction:
      return TransactionState::open;
    case pq::TransactionStatus::in_error:
      return TransactionState::failed;
    case pq::TransactionStatus::unknown:
      break;
  }
  return TransactionState::unknown;
}

bool Connection::committed_locally() const {
  return std::ranges::any_of(
      notices_, [](Notice const& notice) { return notice.routine == "SyncRepWaitForLSN"; });
}

void Connection::ride_ahead(std::string sql) { ahead_.push_back(std::move(sql)); }

// Of a server that writes it is asked no more: it never becomes a standby while a connection lives. Behind a
// pooler, where nothing is prepared, the next statement may meet another server.
bool Connection::on_standby() {
  if (!may_be_standby_) return false;
  bool const standby = pq::parameter(raw_->get(), "in_hot_standby") == "on";
  may_be_standby_ = standby || cache_.capacity() == 0;
  return standby;
}

bool Connection::is_busy() const { return pq::is_busy(raw_->get()); }

Wait Connection::more_to_read(Deadline deadline) {
  auto* const connection = raw_->get();
  // A failed flush is not the end: the server's last words may be waiting to be read.
  auto const interest = pq::flush(connection) == 1 ? Interest::read_write : Interest::read;
  reach_->await(true);
  return {pq::socket_of(connection), interest, deadline};
}

Wakeup Connection::read_more(Wakeup wakeup, Deadline deadline) {
  reach_->await(false);
  reach_->stir();
  if (wakeup != Wakeup::ready) return wakeup;
  if (!pq::consume(raw_->get())) {
    lost_ = true;
    return Wakeup::ready;
  }
  // An answer that never stops coming is always ready to be read, and never done.
  return is_busy() && deadline.passed() ? Wakeup::timed_out : Wakeup::ready;
}

Operation<Wakeup> Connection::wait_for_result(Deadline deadline) {
  while (!lost_ && is_busy()) {
    auto const woken = co_await more_to_read(deadline);
    auto const wakeup = read_more(woken, deadline);
    if (wakeup != Wakeup::ready) co_return wakeup;
  }
  co_return Wakeup::ready;
}

Error Connection::loss(Wakeup wakeup) {
  constexpr auto outcome = Outcome::unknown;
  if (wakeup == Wakeup::timed_out) {
    return Error(ErrorKind::timeout, "no answer from the server within the deadline")
        .at(Phase::wait, outcome);
  }
  if (wakeup == Wakeup::cancelled) {
    return Error(ErrorKind::cancelled, "cancelled while waiting for the server")
        .at(Phase::wait, outcome);
  }
  auto message = pq::error_message(raw_->get());
  if (message.empty()) message = "the connection was lost";
  return Error(ErrorKind::connection, std::move(message)).at(Phase::wait, outcome);
}

// Commands whose effect outlives their transaction on this connection. What is created may be
// temporary, SELECT INTO tells by having no rows to give, DO and CALL may have done any of it.
void Connection::note_tag(std::string_view tag, bool gave_rows) {
  static constexpr std::array<std::string_view, 8> kChanging = {
      "SET", "RESET", "LISTEN", "PREPARE", "DECLARE CURSOR", "DO", "CALL", "LOAD"};
  if (tag == "DISCARD ALL") {
    session_changed_ = false;
    cache_.clear();
  } else if (tag.starts_with("CREATE ") || (tag.starts_with("SELECT ") && !gave_rows) ||
             std::ranges::find(kChanging, tag) != kChanging.end()) {
    session_changed_ = true;
  }
}

// A statement that the server does not know by its name, or whose plan no longer fits, is prepared
// anew next time. The text of that second error is translated; the server's function name is not.
void Connection::note_error(Expected const& expected, Error const& error) {
  if (expected.name.empty()) return;
  bool const stale =
      error.sqlstate() == "26000" || error.sqlstate() == "42P05" ||
      (error.sqlstate() == "0A000" && error.server().routine == "RevalidateCachedQuery");
  if (stale || expected.what == Expected::What::prepare) cache_.forget(expected.name);
}

Operation<std::vector<Reply>> Connection::run(Request request, Deadline deadline) {
  auto running = run_borrowed(request, deadline);
  auto replies = co_await std::move(running);
  co_return replies;
}

// One segment outside a transaction that failed only because of what was prepared runs once more.
Operation<std::vector<Reply>> Connection::run_borrowed(Request const& request, Deadline deadline) {
  for (auto const& statement : request) check_statement(statement);
  bool const outside = transaction_state() == TransactionState::idle;
  auto const asks = std::exchange(asks_, {});
  std::vector<Reply> stale;
  for (;;) {
    notices_.clear();
    told_ = {};
    Exchange exchange(*this, request);
    begin(exchange, asks, true);
    while (!exchange.is_over()) {
      if (!is_busy()) {
        take_answer();
        continue;
      }
      auto const woken = co_await more_to_read(deadline);
      auto const wakeup = read_more(woken, deadline);
      if (wakeup != Wakeup::ready) exchange.lose(loss(wakeup));
      if (lost_) lose(loss(wakeup));
    }
    told_ = exchange.told();
    auto replies = exchange.take();
    if (!stale.empty()) note_second_try(replies, stale);
    bool const one_segment = std::ranges::count(request, true, &Statement::ends_segment) == 1;
    bool const again = stale.empty() && outside && one_segment && usable() &&
                       transaction_state() == TransactionState::idle && is_stale(replies);
    if (!again) co_return replies;
    stale = std::move(replies);
  }
}

Operation<std::vector<Reply>> Connection::run_script(std::string sql, Deadline deadline) {
  Statement const whole{sql, {}, true, false};
  check_statement(whole);
  notices_.clear();
  std::vector<Reply> replies;
  auto* connection = raw_->get();
  std::optional<Error> hindrance;
  try {
    auto leaving = leave_pipeline(deadline);
    co_await std::move(leaving);
  } catch (Error const& error) {
    hindrance = error;
  }
  if (!hindrance && !pq::send_query(connection, sql.c_str())) {
    lost_ = true;
    hindrance = loss(Wakeup::ready);
  }
  if (hindrance) {
    replies.emplace_back(*hindrance);
    co_return replies;
  }
  ++round_trips_;
  session_changed_ = true;
  expect(Expected::What::statement, 0, "");
  for (;;) {
    auto waiting = wait_for_result(deadline);
    auto const wakeup = co_await std::move(waiting);
    if (wakeup != Wakeup::ready || lost_) {
      replies.emplace_back(loss(wakeup));
      co_return replies;
    }
    auto result = pq::next_result(connection);
    if (!result) break;
    auto const status = pq::status(result.get());
    if (status == pq::ResultStatus::error) {
      Error error(pq::error_fields(result.get()));
      if (error.sqlstate().empty()) {
        lost_ = true;
        error = loss(Wakeup::ready);
      }
      if (error.poisons_connection()) error.at(Phase::wait, Outcome::unknown);
      replies.emplace_back(std::move(error));
      if (lost_) co_return replies;
    } else if (status == pq::ResultStatus::copy_in || status == pq::ResultStatus::copy_out) {
      lost_ = true;
      replies.emplace_back(
          Error(ErrorKind::usage, "COPY from STDIN or to STDOUT cannot run in a script")
              .at(Phase::wait, Outcome::rejected));
      co_return replies;
    } else {
      replies.emplace_back(Result(std::move(result)));
    }
  }
  return_to_pipeline();
  co_return replies;
}

void Connection::return_to_pipeline() {
  expected_.clear();
  outside_ = false;
  if (!pq::enter_pipeline(raw_->get())) lost_ = true;
}

Operation<bool> Connection::drain(Deadline deadline) {
  // What the dropped answers would have told of the session is not known: let the pool restore it.
  if (!expected_.empty()) session_changed_ = true;
  for (unsigned read = 1; is_open() && !expected_.empty(); ++read) {
    // A server that sends faster than this reads never lets it wait, and a wait is where deadlines pass and
    // others have their turn.
    if (read % kTurn == 0) {
      if (deadline.passed()) co_return false;
      auto yielding = async::sleep_until(Deadline::in(Duration::zero()));
      co_await std::move(yielding);
    }
    auto waiting = wait_for_result(deadline);
    auto const wakeup = co_await std::move(waiting);
    if (wakeup != Wakeup::ready) co_return false;
    if (lost_) break;
    auto const result = pq::next_result(raw_->get());
    auto const front = expected_.front();
    if (outside_) {
      auto const status = result ? pq::status(result.get()) : pq::ResultStatus::command_ok;
      if (status == pq::ResultStatus::copy_in || status == pq::ResultStatus::copy_out) {
        auto abandoning = abandon_copy(deadline);
        bool const abandoned = co_await std::move(abandoning);
        if (!abandoned) co_return false;
      }
      if (!result) return_to_pipeline();
      continue;
    }
    if (result ? pq::status(result.get()) == pq::ResultStatus::pipeline_sync
               : front.what != Expected::What::sync && front.what != Expected::What::cleared) {
      answered();
    } else if (!result && !pq::is_open(raw_->get())) {
      break;
    }
  }
  co_return usable();
}

Operation<bool> Connection::cancel(Deadline deadline) {
  auto cancelling = Reach::cancel(reach_, deadline);
  bool const delivered = co_await std::move(cancelling);
  co_return delivered;
}

bool Connection::poll_alive() {
  if (!usable()) return false;
  // The last words may be here before the end of the stream: at rest libpq takes them for a notice.
  auto spoken = [this] {
    pq::is_busy(raw_->get());
    lost_ = std::ranges::any_of(notices_, [](Notice const& notice) {
      return notice.severity == "FATAL" || notice.severity == "PANIC";
    });
    return lost_;
  };
  if (spoken()) return false;
  pollfd watched{socket(), POLLIN | POLLRDHUP, 0};
  if (poll(&watched, 1, 0) == 0) return true;
  // A notice or a parameter report is no death, and a terminated backend shows it at the second read
  // only: the first takes its last words.
  for (int i = 0; i < 2; ++i) {
    if (!pq::consume(raw_->get()) || !pq::is_open(raw_->get())) {
      lost_ = true;
      return false;
    }
  }
  return !spoken();
}

}  // namespace moonpool::wire
