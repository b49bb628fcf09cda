#include "session/copy.hpp"

#include "base/error.hpp"
#include "session/session.hpp"

namespace moonpool::session {

using async::Operation;

namespace {

// "COPY users, line 3, column age": which row the server means. What follows quotes the value.
void name_the_row(Error& error) {
  auto const& context = error.server().context;
  if (!context.starts_with("COPY ")) return;
  auto const place = context.substr(0, context.find_first_of(":\n"));
  if (place.find(',') == std::string::npos) return;
  error.as(error.kind(), error.message() + " (" + place + ")");
}

}  // namespace

// ---- In ----

Start CopyIn::start(std::string const& sql) {
  return [this, &sql](wire::Connection& connection, Deadline deadline) {
    writer_.reset();
    wire_.emplace(connection);
    writer_.emplace(wire_->buffer());
    return wire_->start(sql, deadline);
  };
}

void CopyIn::check_open() const {
  if (ended()) throw Error(ErrorKind::usage, "this COPY has ended");
  hold_.connection();  // throws where its transaction is over
}

Error CopyIn::ended_by(Error error) {
  name_the_row(error);
  error.on_node(node());
  hold_.end(&error);
  return error;
}

Operation<void> CopyIn::put() {
  check_open();
  std::optional<Error> failure;
  try {
    auto putting = wire_->put(patience_.next());
    co_await std::move(putting);
  } catch (Error const& error) {
    failure = error;
  }
  if (failure) throw ended_by(*failure);
}

Operation<std::int64_t> CopyIn::finish() {
  check_open();
  std::int64_t rows = 0;
  std::optional<Error> failure;
  try {
    auto finishing = wire_->finish(patience_.next());
    rows = co_await std::move(finishing);
  } catch (Error const& error) {
    failure = error;
  }
  if (failure) throw ended_by(*failure);
  hold_.count_rows(rows);
  auto learning = hold_.learn_position(patience_.next());
  co_await std::move(learning);
  hold_.end(nullptr);
  co_return rows;
}

Operation<void> CopyIn::fail(std::string reason) {
  if (ended()) co_return;
  try {
    hold_.connection();
    auto failing = wire_->fail(std::move(reason), patience_.next());
    co_await std::move(failing);
  } catch (Error const&) {
    // What cannot be told stores nothing either.
  }
  hold_.leave();
}

Operation<std::shared_ptr<CopyIn>> Session::copy_in(std::string sql, RunOptions options) {
  auto const self = shared_from_this();
  refuse_context("COPY");
  options.route = cluster::Route::write;
  auto const patience = Patience::of(options.timeout, habits_.timeout);
  auto copy = std::make_shared<CopyIn>(patience);
  copy->hold_.shown_as(sql, {});
  auto holding = hold(copy->hold_, options, false, copy->start(sql), patience.next());
  co_await std::move(holding);
  co_return copy;
}

// ---- Out ----

Start CopyOut::start(std::string const& sql) {
  return [this, &sql](wire::Connection& connection, Deadline deadline) {
    wire_.emplace(connection);
    return wire_->start(sql, deadline);
  };
}

Operation<std::string> CopyOut::next() {
  if (!hold_.held()) co_return std::string();
  hold_.connection();
  std::string piece;
  std::optional<Error> failure;
  try {
    auto reading = wire_->next(patience_.next());
    piece = co_await std::move(reading);
  } catch (Error const& error) {
    failure = error;
  }
  if (failure) {
    failure->on_node(node());
    hold_.end(&*failure);
    throw Error(*failure);
  }
  if (piece.empty()) {
    hold_.count_rows(wire_->rows());
    auto learning = hold_.learn_position(patience_.next());
    co_await std::move(learning);
    hold_.end(nullptr);
  }
  co_return piece;
}

Operation<std::shared_ptr<CopyOut>> Session::copy_out(std::string sql, RunOptions options) {
  auto const self = shared_from_this();
  refuse_context("COPY");
  auto const patience = Patience::of(options.timeout, habits_.timeout);
  auto copy = std::make_shared<CopyOut>(patience);
  copy->hold_.shown_as(sql, {});
  auto holding = hold(copy->hold_, options, true, copy->start(sql), patience.next());
  co_await std::move(holding);
  co_return copy;
}

}  // namespace moonpool::session
