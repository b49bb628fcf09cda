#include "session/exactly_once.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "policy/random.hpp"
#include "policy/retry.hpp"
#include "session/session.hpp"

namespace moonpool::session {

using async::Operation;

namespace {

// Between attempts of a proof.
constexpr policy::RetryOptions kPauses = {
    .base = std::chrono::milliseconds(50),
    .cap = std::chrono::seconds(1),
};
constexpr double kSweeps = 1.0 / 256;

constexpr auto kSweep =
    "DELETE FROM moonpool.commits WHERE token IN (SELECT token FROM moonpool.commits "
    "WHERE made < pg_catalog.clock_timestamp() - interval '7 days' "
    "LIMIT 1000 FOR UPDATE SKIP LOCKED)";

wire::Statement plain(std::string sql) { return {std::move(sql), {}, false, false}; }

// Waits for the transaction, at most so long; then tells whose row it is. An earlier fence of ours, whose own
// answer was lost, is no proof of the transaction.
wire::Request fence(std::string const& token, Duration left) {
  auto const ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  wire::Request request;
  request.push_back(
      plain("SELECT pg_catalog.set_config('lock_timeout', '" + std::to_string(ms) + "ms', true)"));
  request.push_back(plain("INSERT INTO moonpool.commits (token, fenced) VALUES ('" + token +
                          "', true) ON CONFLICT (token) DO NOTHING"));
  request.push_back(plain("SELECT fenced FROM moonpool.commits WHERE token = '" + token + "'"));
  return request;
}

bool hopeless(Error const& error) {
  switch (error.kind()) {
    case ErrorKind::usage:
    case ErrorKind::cancelled:
    case ErrorKind::cluster_closed:
      return true;
    case ErrorKind::server:
      // 55P03: the transaction is open still.
      return !error.retryable() && !error.in_doubt() && error.sqlstate() != "55P03" &&
             !error.poisons_connection();
    default:
      return false;
  }
}

Operation<bool> ask(std::shared_ptr<Session> session, std::string token, Duration left) {
  RunOptions options;
  options.atomic = true;
  options.idempotent = true;
  options.timeout = left;
  auto running = session->run(fence(token, left), options);
  auto answer = co_await std::move(running);
  auto const* error = answer.error();
  if (error != nullptr && lacks_commits_table(*error)) {
    auto making = session->run(commits_table(), options);
    auto const made = co_await std::move(making);
    if (auto const* failed = made.error()) throw explained(*failed);
    auto again = session->run(fence(token, left), options);
    answer = co_await std::move(again);
    error = answer.error();
  }
  if (error != nullptr) throw explained(*error);
  auto const& told = std::get<wire::Result>(answer.replies.back());
  if (told.rows() == 0) throw Error(ErrorKind::internal, "the token was removed meanwhile");
  co_return told.value(0, 0) == "f";
}

}  // namespace

std::string new_token() {
  constexpr auto kDigits = "0123456789abcdef";
  std::random_device source;
  std::string token;
  for (int i = 0; i < 32; i += 8) {
    auto bits = static_cast<std::uint32_t>(source());
    for (int j = 0; j < 8; ++j, bits >>= 4) token += kDigits[bits & 15];
  }
  return token;
}

std::string taking(std::string const& token) {
  return "INSERT INTO moonpool.commits (token) VALUES ('" + token + "')";
}

bool lacks_commits_table(Error const& error) {
  return (error.sqlstate() == "42P01" || error.sqlstate() == "3F000") &&
         error.message().find("moonpool") != std::string::npos;
}

wire::Request commits_table() {
  wire::Request request;
  // The lock keeps two that come first from colliding in the catalogs.
  request.push_back(plain("SELECT pg_catalog.pg_advisory_xact_lock(7306083501924)"));
  request.push_back(plain("CREATE SCHEMA IF NOT EXISTS moonpool"));
  request.push_back(
      plain("CREATE TABLE IF NOT EXISTS moonpool.commits (token uuid PRIMARY KEY, "
            "fenced boolean NOT NULL DEFAULT false, "
            "made timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp())"));
  request.back().ends_segment = true;
  return request;
}

Error explained(Error error) {
  if (error.sqlstate() != "42501") return error;
  return error.hint(
      "exactly_once needs a table: let an owner run CREATE SCHEMA moonpool; CREATE TABLE "
      "moonpool.commits (token uuid PRIMARY KEY, fenced boolean NOT NULL DEFAULT false, made "
      "timestamptz NOT NULL DEFAULT clock_timestamp()), and grant the role that logs in USAGE on "
      "the schema and SELECT, INSERT, UPDATE, DELETE on the table");
}

Operation<bool> prove_committed(std::shared_ptr<Session> session, std::string token,
                                Duration patience) {
  auto const deadline = Deadline::in(patience);
  for (int attempt = 1;; ++attempt) {
    std::optional<Error> failure;
    try {
      auto asking = ask(session, token, deadline.left());
      bool const committed = co_await std::move(asking);
      co_return committed;
    } catch (Error const& error) {
      failure = error;
    }
    auto const pause = policy::retry_pause(std::min(attempt, 10), policy::random_unit(), kPauses);
    if (hopeless(*failure) || deadline.left() <= pause) throw Error(*failure);
    auto sleeping = async::sleep_until(deadline.earlier_in(pause));
    auto const wakeup = co_await std::move(sleeping);
    if (wakeup == async::Wakeup::cancelled) throw Error(*failure);
  }
}

Operation<std::int64_t> sweep(std::shared_ptr<Session> session) {
  wire::Request request;
  request.push_back(plain(kSweep));
  auto running = session->run(std::move(request), {});
  auto const answer = co_await std::move(running);
  if (auto const* error = answer.error()) throw Error(*error);
  co_return std::get<wire::Result>(answer.replies.front()).affected();
}

Operation<void> sweep_now_and_then(std::shared_ptr<Session> session) {
  if (policy::random_unit() >= kSweeps) co_return;
  try {
    auto sweeping = sweep(session);
    co_await std::move(sweeping);
  } catch (Error const&) {
    // The caller's work is committed: that the broom failed is not his concern, and the next one comes.
  }
}

}  // namespace moonpool::session
