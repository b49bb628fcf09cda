#include "policy/retry.hpp"

#include <rapidcheck.h>

#include "policy/random.hpp"
#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

Error server_error(std::string sqlstate, Outcome outcome) {
  ServerFields fields;
  fields.severity = "ERROR";
  fields.sqlstate = std::move(sqlstate);
  fields.message = "no";
  Error error(std::move(fields));
  error.at(Phase::wait, outcome);
  return error;
}

Error client_error(ErrorKind kind, Outcome outcome) {
  Error error(kind, "no");
  error.at(Phase::wait, outcome);
  return error;
}

TEST_CASE("what the server rejected for a passing reason is repeated, whatever the work is") {
  RetryOptions const options;
  for (auto const* code : {"40001", "40P01", "57P03", "53300", "25006", "26000", "42P05"}) {
    CAPTURE(code);
    CHECK(may_retry(server_error(code, Outcome::rejected), Work::once, 1, options));
  }
}

TEST_CASE("what fails the same way again is not repeated") {
  RetryOptions const options;
  for (auto const* code :
       {"23505", "42601", "22P02", "28P01", "3D000", "25P02", "XX000", "53100"}) {
    CAPTURE(code);
    CHECK_FALSE(may_retry(server_error(code, Outcome::rejected), Work::repeatable, 1, options));
  }
}

TEST_CASE("a lost answer is repeated only where twice does no harm") {
  RetryOptions const options;
  auto const lost = client_error(ErrorKind::connection, Outcome::unknown);
  CHECK_FALSE(may_retry(lost, Work::once, 1, options));
  CHECK(may_retry(lost, Work::repeatable, 1, options));
  CHECK_FALSE(
      may_retry(client_error(ErrorKind::commit_unknown, Outcome::unknown), Work::once, 1, options));
}

TEST_CASE("a passed deadline is not repeated") {
  CHECK_FALSE(
      may_retry(client_error(ErrorKind::timeout, Outcome::unknown), Work::repeatable, 1, {}));
}

TEST_CASE("waiting in the caller's own pool is not repeated") {
  for (auto kind : {ErrorKind::pool_timeout, ErrorKind::pool_overloaded, ErrorKind::self_deadlock,
                    ErrorKind::cluster_closed, ErrorKind::cancelled}) {
    CHECK_FALSE(may_retry(client_error(kind, Outcome::not_sent), Work::repeatable, 1, {}));
  }
  CHECK(may_retry(client_error(ErrorKind::connection, Outcome::not_sent), Work::once, 1, {}));
}

TEST_CASE("attempts are bounded") {
  RetryOptions options;
  options.attempts = 3;
  auto const refused = client_error(ErrorKind::connection, Outcome::not_sent);
  CHECK(may_retry(refused, Work::once, 2, options));
  CHECK_FALSE(may_retry(refused, Work::once, 3, options));
  options.attempts = 1;
  CHECK_FALSE(may_retry(refused, Work::once, 1, options));
}

TEST_CASE("pauses stay between nothing and the cap, and their ceiling doubles") {
  CHECK(rc::check("bounds", [](unsigned short attempt, unsigned short part) {
    RetryOptions options;
    auto const pause = retry_pause(attempt, part / 65536.0, options);
    RC_ASSERT(pause >= Duration::zero());
    RC_ASSERT(pause <= options.cap);
  }));
  RetryOptions const options;
  CHECK(retry_pause(1, 1.0, options) == options.base);
  CHECK(retry_pause(2, 1.0, options) == 2 * options.base);
  CHECK(retry_pause(3, 0.5, options) == 2 * options.base);
  CHECK(retry_pause(1000, 1.0, options) == options.cap);
}

TEST_CASE("chance lies in [0, 1) and is not the same twice") {
  double const first = random_unit();
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    double const next = random_unit();
    REQUIRE(next >= 0.0);
    REQUIRE(next < 1.0);
    differs = differs || next != first;
  }
  CHECK(differs);
}

}  // namespace
}  // namespace moonpool::policy
