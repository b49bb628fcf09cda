#include "wire/copy.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>

#include "wire/check.hpp"
#include "wire/pq.hpp"
#include "wire/raw_connection.hpp"

namespace moonpool::wire {

using async::Interest;
using async::Operation;
using async::Wait;
using async::Wakeup;

// What the simple protocol cannot share a request with goes first.
Operation<void> Connection::leave_pipeline(Deadline deadline) {
  if (!ahead_.empty()) {
    Request nothing;
    nothing.push_back({"", {}, true, false});
    auto running = run(std::move(nothing), deadline);
    auto ready = co_await std::move(running);
    if (auto* error = std::get_if<Error>(&ready.front())) throw Error(*error);
  }
  notices_.clear();
  outside_ = true;
  if (!pq::exit_pipeline(raw_->get())) {
    lost_ = true;
    throw loss(Wakeup::ready);
  }
}

// Sends a COPY and waits until the server is ready for its data.
Operation<void> Connection::start_copy(std::string const& sql, bool in, Deadline deadline) {
  check_copy(sql, in);
  auto leaving = leave_pipeline(deadline);
  co_await std::move(leaving);
  ++round_trips_;
  if (!pq::send_query(raw_->get(), sql.c_str())) {
    lost_ = true;
    throw loss(Wakeup::ready).at(Phase::send, Outcome::not_sent).in_query(sql);
  }
  expect(Expected::What::statement, 0, "");
  auto const wanted = in ? pq::ResultStatus::copy_in : pq::ResultStatus::copy_out;
  std::optional<Error> failure;
  for (;;) {
    auto waiting = wait_for_result(deadline);
    auto const wakeup = co_await std::move(waiting);
    // Nothing takes effect before the data have come.
    if (wakeup != Wakeup::ready || lost_) {
      throw loss(wakeup).at(Phase::wait, Outcome::not_sent).in_query(sql);
    }
    auto const result = pq::next_result(raw_->get());
    if (!result) break;
    auto const status = pq::status(result.get());
    if (status == wanted) co_return;
    if (status == pq::ResultStatus::error) {
      Error error(pq::error_fields(result.get()));
      if (error.sqlstate().empty()) {
        lost_ = true;
        throw loss(Wakeup::ready).at(Phase::wait, Outcome::not_sent).in_query(sql);
      }
      failure = std::move(error);
    } else {
      lost_ = true;
      throw Error(ErrorKind::protocol, "the server did not start the COPY it was asked for")
          .at(Phase::wait, Outcome::unknown)
          .in_query(sql);
    }
  }
  return_to_pipeline();
  if (!failure) failure = Error(ErrorKind::protocol, "the server gave no answer to the COPY");
  throw failure->in_query(sql);
}

// A COPY that nobody goes on with: nothing of what was sent is stored, what still comes is dropped.
Operation<bool> Connection::abandon_copy(Deadline deadline) {
  auto* const raw = raw_->get();
  if (pq::copy_end(raw, "the client left it unfinished") == 1) co_return true;
  // Not a COPY that takes data, then.
  std::string dropped;
  for (;;) {
    dropped.clear();
    int const got = pq::copy_get(raw, dropped);
    if (got > 0) continue;
    if (got < 0) {
      lost_ = got < -1;
      co_return !lost_;
    }
    auto const wakeup = co_await Wait{pq::socket_of(raw), Interest::read, deadline};
    if (wakeup != Wakeup::ready) co_return false;
    if (!pq::consume(raw)) {
      lost_ = true;
      co_return false;
    }
  }
}

// ---- In ----

Operation<void> CopyIn::start(std::string sql, Deadline deadline) {
  sql_ = std::move(sql);
  auto starting = connection_.start_copy(sql_, true, deadline);
  co_await std::move(starting);
}

Error CopyIn::failed(Error error) const {
  if (error.query().empty()) error.in_query(sql_);
  if (complete_) {
    if (error.poisons_connection()) error.at(Phase::wait, Outcome::unknown);
  } else if (error.outcome() == Outcome::unknown) {
    error.at(Phase::send, Outcome::not_sent);
  }
  return error;
}

// Whether what waits in the socket is an ErrorResponse. libpq may have the first part of a message already, so the
// bytes are taken for one only if they have its shape, which the rest of a notice cannot have: texts hold no NUL.
static bool begins_with_an_error(int socket) {
  std::array<char, 128> bytes{};
  auto const got = recv(socket, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got < 7) return false;
  std::string_view const seen(bytes.data(), static_cast<std::size_t>(got));
  // Type, length (below 64 KiB), then the fields: severity in the server's language, severity in English.
  if (seen[0] != 'E' || seen[1] != '\0' || seen[2] != '\0' || seen[5] != 'S') return false;
  auto const next = seen.find('\0', 6);
  if (next == seen.npos) return false;
  auto const severity = seen.substr(next + 1);
  return severity.starts_with("VERROR") || severity.starts_with("VFATAL") ||
         severity.starts_with("VPANIC");
}

// Reads what the server says meanwhile, without waiting: notices, so that it need not wait for us, and
// its refusal, which libpq would tell only when all the data have been sent. False: the connection is lost.
bool CopyIn::listen() {
  auto* const raw = connection_.raw_->get();
  pollfd watched{pq::socket_of(raw), POLLIN, 0};
  if (poll(&watched, 1, 0) <= 0) return true;
  bool const error = pq::is_plain(raw) && begins_with_an_error(watched.fd);
  if (error) refused_ = true;
  if (pq::consume(raw)) return true;
  connection_.lost_ = !error;
  return error;
}

// Until libpq has handed everything to the socket.
Operation<void> CopyIn::clear_way(Deadline deadline) {
  auto* const raw = connection_.raw_->get();
  for (;;) {
    if (!listen()) throw failed(connection_.loss(Wakeup::ready));
    if (refused_ || pq::flush(raw) != 1) co_return;
    auto const wakeup = co_await Wait{pq::socket_of(raw), Interest::read_write, deadline};
    if (wakeup != Wakeup::ready) throw failed(connection_.loss(wakeup));
  }
}

// The last piece is left to libpq and to the kernel: the caller makes the next rows meanwhile.
Operation<void> CopyIn::send_buffer(Deadline deadline) {
  auto* const raw = connection_.raw_->get();
  while (sent_ < buffer_.size()) {
    auto clearing = clear_way(deadline);
    co_await std::move(clearing);
    if (refused_) co_return;
    auto const piece = std::string_view(buffer_).substr(sent_, kChunk * 2);
    if (pq::copy_put(raw, piece) != 1) {
      connection_.lost_ = true;
      throw failed(connection_.loss(Wakeup::ready));
    }
    sent_ += piece.size();
    pq::flush(raw);
  }
  buffer_.clear();
  sent_ = 0;
}

Operation<void> CopyIn::put(Deadline deadline) {
  auto sending = send_buffer(deadline);
  co_await std::move(sending);
  if (!refused_) co_return;
  // Should what was seen have been no refusal after all, nothing may be stored.
  pq::copy_end(connection_.raw_->get(), "the client saw an error");
  auto concluding = conclude(deadline);
  co_await std::move(concluding);
}

Operation<std::int64_t> CopyIn::finish(Deadline deadline) {
  auto putting = put(deadline);
  co_await std::move(putting);
  auto clearing = clear_way(deadline);
  co_await std::move(clearing);
  auto* const raw = connection_.raw_->get();
  complete_ = !refused_;
  if (pq::copy_end(raw, refused_ ? "the client saw an error" : nullptr) != 1) {
    connection_.lost_ = true;
    throw failed(connection_.loss(Wakeup::ready));
  }
  auto concluding = conclude(deadline);
  auto const rows = co_await std::move(concluding);
  co_return rows;
}

Operation<bool> CopyIn::fail(std::string reason, Deadline deadline) {
  if (ended_) co_return connection_.usable();
  std::ranges::replace(reason, '\0', ' ');
  if (pq::copy_end(connection_.raw_->get(), reason.c_str()) != 1) {
    connection_.lost_ = true;
    co_return false;
  }
  try {
    auto concluding = conclude(deadline);
    co_await std::move(concluding);
  } catch (Error const&) {
    // That is what was asked for.
  }
  co_return ended_&& connection_.usable();
}

Operation<std::int64_t> CopyIn::conclude(Deadline deadline) {
  std::optional<std::int64_t> rows;
  std::optional<Error> failure;
  for (;;) {
    auto waiting = connection_.wait_for_result(deadline);
    auto const wakeup = co_await std::move(waiting);
    if (wakeup != Wakeup::ready) throw failed(connection_.loss(wakeup));
    // libpq has more to say of a lost connection: the server's last words.
    auto result = pq::next_result(connection_.raw_->get());
    if (!result) break;
    if (pq::status(result.get()) == pq::ResultStatus::error) {
      Error error(pq::error_fields(result.get()));
      if (error.sqlstate().empty()) {
        connection_.lost_ = true;
        error = connection_.loss(Wakeup::ready);
      }
      if (!failure) failure = std::move(error);
    } else if (pq::status(result.get()) == pq::ResultStatus::command_ok) {
      rows = Result(std::move(result)).affected();
    }
  }
  ended_ = true;
  if (!connection_.lost_ && pq::is_open(connection_.raw_->get())) connection_.return_to_pipeline();
  if (failure) throw failed(*failure);
  if (!rows) throw failed(connection_.loss(Wakeup::ready));
  co_return *rows;
}

// ---- Out ----

Operation<void> CopyOut::start(std::string sql, Deadline deadline) {
  sql_ = std::move(sql);
  auto starting = connection_.start_copy(sql_, false, deadline);
  co_await std::move(starting);
}

Operation<std::string> CopyOut::next(Deadline deadline) {
  auto* const raw = connection_.raw_->get();
  bool looked = false;
  while (!all_read_ && chunk_.size() < kChunk) {
    int const got = pq::copy_get(raw, chunk_);
    if (got > 0) continue;
    if (got < 0) {
      all_read_ = true;
      break;
    }
    if (!chunk_.empty()) {
      // What came in the meantime joins the piece.
      if (looked) break;
      looked = true;
    } else {
      auto const wakeup = co_await Wait{pq::socket_of(raw), Interest::read, deadline};
      if (wakeup != Wakeup::ready) throw connection_.loss(wakeup).in_query(sql_);
    }
    if (!pq::consume(raw)) {
      connection_.lost_ = true;
      throw connection_.loss(Wakeup::ready).in_query(sql_);
    }
  }
  if (chunk_.empty() && !ended_) {
    auto concluding = conclude(deadline);
    co_await std::move(concluding);
  }
  co_return std::move(chunk_);
}

Operation<void> CopyOut::conclude(Deadline deadline) {
  std::optional<Error> failure;
  for (;;) {
    auto waiting = connection_.wait_for_result(deadline);
    auto const wakeup = co_await std::move(waiting);
    if (wakeup != Wakeup::ready) throw connection_.loss(wakeup).in_query(sql_);
    auto result = pq::next_result(connection_.raw_->get());
    if (!result) break;
    if (pq::status(result.get()) == pq::ResultStatus::error) {
      Error error(pq::error_fields(result.get()));
      if (error.sqlstate().empty()) {
        connection_.lost_ = true;
        error = connection_.loss(Wakeup::ready);
      }
      if (error.poisons_connection()) error.at(Phase::wait, Outcome::unknown);
      if (!failure) failure = error.in_query(sql_);
    } else {
      rows_ = Result(std::move(result)).affected();
    }
  }
  ended_ = true;
  if (!connection_.lost_ && pq::is_open(connection_.raw_->get())) connection_.return_to_pipeline();
  if (failure) throw Error(*failure);
}

}  // namespace moonpool::wire
