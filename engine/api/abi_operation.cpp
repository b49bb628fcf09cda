#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "api/handles.hpp"
#include "async/drive_blocking.hpp"

namespace {

using moonpool::Error;
using moonpool::ErrorKind;
using moonpool::api::make_op;
using moonpool::api::seconds;
using moonpool::async::Operation;
using moonpool::session::Answer;
using moonpool::session::Session;

void keep(mp_op& op, Answer answer) {
  op.results.resize(answer.replies.size());
  mp_result* last = nullptr;  // has no name yet: one of them need not be copied
  for (std::size_t i = 0; i < answer.replies.size(); ++i) {
    if (auto* result = std::get_if<moonpool::wire::Result>(&answer.replies[i])) {
      if (last != nullptr) last->node = answer.node;
      op.results[i] = std::make_unique<mp_result>(mp_result{{}, std::move(*result), {}});
      last = op.results[i].get();
      continue;
    }
    op.statement_errors.resize(answer.replies.size());
    auto& error = std::get<Error>(answer.replies[i]);
    // Of a group, the statement that failed speaks, not those that were skipped because of it.
    bool const better = !op.error || (op.error->error.kind() == ErrorKind::transaction &&
                                      error.kind() != ErrorKind::transaction);
    op.statement_errors[i] = std::make_unique<mp_error>(mp_error{error});
    if (better) op.error = std::make_unique<mp_error>(mp_error{error});
  }
  if (last != nullptr) last->node = std::move(answer.node);
}

Operation<void> run_into(mp_op& op, std::shared_ptr<Session> session,
                         moonpool::wire::Request request, moonpool::session::RunOptions options) {
  auto running = session->run(std::move(request), options);
  auto answer = co_await std::move(running);
  keep(op, std::move(answer));
}

Operation<void> run_script_into(mp_op& op, std::shared_ptr<Session> session, std::string sql,
                                moonpool::session::RunOptions options) {
  auto running = session->run_script(std::move(sql), options);
  auto answer = co_await std::move(running);
  keep(op, std::move(answer));
}

Operation<void> begin_into(mp_op& op, std::shared_ptr<Session> outer,
                           moonpool::session::TransactionOptions options) {
  auto beginning = outer->begin(options);
  // Not in one expression: GCC 12 destroys temporaries around a co_await twice.
  auto session = co_await std::move(beginning);
  op.session = std::make_unique<mp_session>();
  op.session->session = std::move(session);
}

// The handle may be freed before the first step: these hold the session themselves.
Operation<void> commit(std::shared_ptr<Session> session) {
  auto committing = session->commit();
  co_await std::move(committing);
}

Operation<void> rollback(std::shared_ptr<Session> session) {
  auto rolling = session->rollback();
  co_await std::move(rolling);
}

Operation<void> ping(std::shared_ptr<Session> session) {
  auto pinging = session->ping();
  co_await std::move(pinging);
}

Operation<void> look(std::shared_ptr<moonpool::cluster::Cluster> cluster,
                     moonpool::Deadline deadline) {
  auto settling = cluster->settle(deadline);
  co_await std::move(settling);
}

Operation<void> close_cluster(std::shared_ptr<moonpool::cluster::Cluster> cluster,
                              moonpool::Deadline deadline) {
  auto closing = cluster->close(deadline);
  co_await std::move(closing);
}

moonpool::wire::Request request_of(mp_statement const* statements, size_t count) {
  moonpool::wire::Request request;
  request.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    request.push_back(moonpool::api::statement_of(statements[i]));
  }
  return request;
}

// Ends an operation whose coroutine has ended: its error, if any, becomes the handle's.
int finish(mp_op* op) {
  op->done = true;
  try {
    op->stepper->take();
  } catch (...) {
    op->error.reset(moonpool::api::current_error());
  }
  op->stepper.reset();
  return op->error ? MP_FAILED : MP_OK;
}

}  // namespace

namespace moonpool::api {

mp_op* start_look(std::shared_ptr<cluster::Cluster> cluster, double timeout) noexcept {
  return make_op([&](mp_op&) { return look(std::move(cluster), Deadline::in(seconds(timeout))); });
}

Duration seconds(double count) {
  if (!(count > 0)) return Duration::zero();
  constexpr double kHundredYears = 3.2e9;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(count, kHundredYears)));
}

wire::Statement statement_of(mp_statement const& from) {
  wire::Statement statement;
  statement.sql.assign(from.sql, from.sql_length);
  statement.params.reserve(from.param_count);
  for (size_t p = 0; p < from.param_count; ++p) {
    auto const& value = from.params[p];
    wire::Param param;
    if (value.data != nullptr) param.text.emplace(value.data, value.length);
    param.type = value.type;
    statement.params.push_back(std::move(param));
  }
  return statement;
}

namespace {

// How a read is served; 0 is the session's habit. Callers built before these fields send a smaller struct.
void read_wishes(mp_run_options const& from, moonpool::session::RunOptions& to) {
  if (from.size < offsetof(mp_run_options, max_lag) + sizeof(from.max_lag)) return;
  using moonpool::policy::Consistency;
  using moonpool::policy::Fallback;
  if (from.consistency < MP_HABITUAL || from.consistency > MP_EVENTUAL) {
    throw Error(ErrorKind::usage, "there is no consistency " + std::to_string(from.consistency));
  }
  if (from.fallback < MP_FALLBACK_HABITUAL || from.fallback > MP_FALLBACK_ERROR) {
    throw Error(ErrorKind::usage, "there is no fallback " + std::to_string(from.fallback));
  }
  if (from.consistency != MP_HABITUAL) {
    to.consistency = static_cast<Consistency>(from.consistency - MP_STRONG);
  }
  if (from.fallback != MP_FALLBACK_HABITUAL) {
    to.fallback = static_cast<Fallback>(from.fallback - MP_FALLBACK_PRIMARY);
  }
  to.max_lag = seconds(from.max_lag);
}

}  // namespace

session::RunOptions run_options_of(mp_run_options const* options) {
  session::RunOptions run;
  if (options == nullptr) return run;
  run.route = options->route == MP_READ ? cluster::Route::read : cluster::Route::write;
  run.atomic = (options->flags & MP_ATOMIC) != 0;
  run.idempotent = (options->flags & MP_IDEMPOTENT) != 0;
  run.timeout = seconds(options->timeout);
  read_wishes(*options, run);
  return run;
}

}  // namespace moonpool::api

mp_op* mp_run(mp_session* session, const mp_statement* statements, size_t count,
              const mp_run_options* options) noexcept {
  return make_op([&](mp_op& op) {
    auto const run = moonpool::api::run_options_of(options);
    if (options != nullptr && (options->flags & MP_SCRIPT) != 0) {
      if (count != 1 || statements[0].param_count != 0) {
        throw Error(ErrorKind::usage, "a script is one text without parameters");
      }
      return run_script_into(op, session->session,
                             std::string(statements[0].sql, statements[0].sql_length), run);
    }
    return run_into(op, session->session, request_of(statements, count), run);
  });
}

mp_op* mp_begin(mp_session* session, const mp_tx_options* options) noexcept {
  return make_op([&](mp_op& op) {
    moonpool::session::TransactionOptions begin;
    if (options != nullptr) {
      if (options->isolation < MP_DEFAULT_ISOLATION || options->isolation > MP_SERIALIZABLE) {
        throw Error(ErrorKind::usage,
                    "there is no isolation level " + std::to_string(options->isolation));
      }
      begin.isolation = static_cast<moonpool::session::Isolation>(options->isolation);
      begin.read_only = options->read_only != 0;
      begin.deferrable = options->deferrable != 0;
      begin.timeout = seconds(options->timeout);
      bool const has_place = options->size >= offsetof(mp_tx_options, place) + sizeof(char*);
      if (has_place && options->place != nullptr) begin.place = options->place;
      if (options->size >= offsetof(mp_tx_options, attempt) + sizeof(int32_t)) {
        begin.exactly_once = options->exactly_once != 0;
        begin.attempt = options->attempt;
      }
    }
    return begin_into(op, session->session, begin);
  });
}

mp_op* mp_commit(mp_session* transaction) noexcept {
  return make_op([&](mp_op&) { return commit(transaction->session); });
}

mp_op* mp_rollback(mp_session* transaction) noexcept {
  return make_op([&](mp_op&) { return rollback(transaction->session); });
}

mp_op* mp_ping(mp_session* session) noexcept {
  return make_op([&](mp_op&) { return ping(session->session); });
}

mp_op* mp_close(mp_cluster* cluster, double drain) noexcept {
  return make_op([&](mp_op&) {
    return close_cluster(cluster->cluster, moonpool::Deadline::in(seconds(drain)));
  });
}

int mp_wait_any(const mp_wait* waits, size_t count, double timeout, unsigned char* ready) noexcept {
  using moonpool::Deadline;
  using moonpool::async::Interest;
  try {
    thread_local std::vector<moonpool::async::Wait> all;
    all.clear();
    for (size_t i = 0; i < count; ++i) {
      auto const* op = waits[i].op;
      if (op != nullptr && op->stepper && op->stepper->started()) {
        all.push_back(op->stepper->wait());
        continue;
      }
      auto const interest =
          waits[i].fd < 0 ? Interest::none : static_cast<Interest>(waits[i].interest);
      all.push_back({waits[i].fd, interest, Deadline::never()});
    }
    auto const deadline = timeout < 0 ? Deadline::never() : Deadline::in(seconds(timeout));
    return moonpool::async::wait_for_any(all, {ready, count}, deadline);
  } catch (...) {
    // Out of memory for the list: every operation looks for itself.
    std::fill_n(ready, count, static_cast<unsigned char>(1));
    return static_cast<int>(count);
  }
}

int mp_op_step(mp_op* op, int wakeup, mp_wait* wait) noexcept {
  auto const status = mp_op_step_together(op, wakeup, wait);
  if (status != MP_PENDING || wait == nullptr) return status;
  wait->op = nullptr;
  auto* const shared = op->stepper->wait().shared;
  if (shared == nullptr) return status;
  try {
    wait->fd = shared->descriptor();
    wait->interest = MP_READABLE;
    op->by_descriptor = true;
    return status;
  } catch (...) {
    op->stepper.reset();
    op->done = true;
    op->error.reset(moonpool::api::current_error());
    return MP_FAILED;
  }
}

int mp_op_step_together(mp_op* op, int wakeup, mp_wait* wait) noexcept {
  if (op->done) return op->error ? MP_FAILED : MP_OK;
  if (std::exchange(op->by_descriptor, false)) op->stepper->wait().shared->end(true);
  auto const how = wakeup == MP_TIMED_OUT   ? moonpool::async::Wakeup::timed_out
                   : wakeup == MP_CANCELLED ? moonpool::async::Wakeup::cancelled
                                            : moonpool::async::Wakeup::ready;
  if (op->stepper->step(how)) return finish(op);
  if (wait != nullptr) {
    auto const& next = op->stepper->wait();
    wait->fd = next.interest == moonpool::async::Interest::none ? -1 : next.fd;
    wait->interest = static_cast<int32_t>(next.interest);
    wait->timeout =
        next.deadline.is_never() ? -1 : std::chrono::duration<double>(next.deadline.left()).count();
    wait->op = op;
  }
  return MP_PENDING;
}

int mp_op_run(mp_op* op) noexcept {
  if (op->done) return op->error ? MP_FAILED : MP_OK;
  moonpool::async::BlockingScope const blocking;
  if (std::exchange(op->by_descriptor, false)) op->stepper->wait().shared->end(true);
  auto wakeup = moonpool::async::Wakeup::ready;
  try {
    while (!op->stepper->step(wakeup)) {
      wakeup = moonpool::async::wait_blocking(op->stepper->wait());
    }
  } catch (...) {
    // No descriptor was left to wait by.
    op->stepper.reset();
    op->done = true;
    op->error.reset(moonpool::api::current_error());
    return MP_FAILED;
  }
  return finish(op);
}

const mp_error* mp_op_error(const mp_op* op) noexcept { return op->error.get(); }
size_t mp_op_count(const mp_op* op) noexcept { return op->results.size(); }

mp_result* mp_op_result(mp_op* op, size_t index) noexcept {
  return index < op->results.size() ? op->results[index].release() : nullptr;
}

const mp_error* mp_op_statement_error(const mp_op* op, size_t index) noexcept {
  return index < op->statement_errors.size() ? op->statement_errors[index].get() : nullptr;
}

mp_session* mp_op_session(mp_op* op) noexcept { return op->session.release(); }
void mp_op_free(mp_op* op) noexcept { delete op; }
