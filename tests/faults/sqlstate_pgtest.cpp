// Every SQLSTATE that PostgreSQL has, put in place of the server's answer: to a statement, to COMMIT, and
// to the login. Whether the work is run again is counted on the wire, and must be what the rules say.
#include <set>
#include <string_view>

#include "base/sqlstate.hpp"
#include "faults/ground.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Act;
using test::ask;
using test::Bent;
using test::failure_of;
using test::Side;
using test::wait;

// By hand, so that the engine's own table is held to it.
std::set<std::string_view> const kRerun = {"40001", "40P01"};
std::set<std::string_view> const kNode = {"57P01", "57P02", "57P03", "57P05", "08000", "08001",
                                          "08003", "08004", "08006", "53300", "25P03", "25P04"};
std::set<std::string_view> const kStale = {"26000", "42P05"};

constexpr int kAttempts = 3;

Habits three_times() {
  return {.timeout = 120s, .retry = {.attempts = kAttempts, .base = 0ms, .cap = 0ms}};
}

cluster::ClusterOptions without_breaker() {
  cluster::ClusterOptions options;
  options.pool.max = 2;
  // It is what the server answers that ends a call here, however long that takes.
  options.pool.acquire_timeout = options.pool.connect_timeout = 60s;
  options.breaker = {.failures = 1'000'000, .failure_rate = 0};
  options.budget.tokens = 0;
  return options;
}

// A class of its own for each code; some of every kind under a sanitizer.
std::vector<std::string_view> codes() {
  std::vector<std::string_view> out;
  for (auto const& state : all_sqlstates()) {
    if (test::kSanitized && state.retry == RetryClass::never && out.size() % 10 != 0) continue;
    if (state.code != "00000") out.push_back(state.code);
  }
  return out;
}

TEST_CASE("any code that the server answers a statement with: run again when it may be, else not") {
  Bent bent(without_breaker());
  auto const session = bent.session->with(three_times());
  ask(*session, "select 1");
  ask(*session, "select 1", test::kRead);
  for (auto const code : codes()) {
    if (code == "25006")
      continue;  // says that the node is no primary: where to go is routing's matter
    INFO(code);
    auto const rule = bent.proxy.add({.side = Side::backend,
                                      .type = 'C',
                                      .text = "SELECT",
                                      .nth = 0,
                                      .act = Act::replace,
                                      .payload = test::error_message("ERROR", code, "injected")});
    auto const error = failure_of([&] { ask(*session, "select 'attempt'"); });
    auto const attempts = bent.proxy.hits(rule);
    bent.proxy.release(rule);
    REQUIRE(error);
    CHECK(error->sqlstate() == code);
    CHECK(error->in_doubt() == false);
    CHECK(error->outcome() == Outcome::rejected);
    // The server said no, so the work may be run again where the code is a passing one. A stale prepared
    // statement is healed once below the session, and that is all.
    bool const passing = kRerun.count(code) + kNode.count(code) > 0;
    int const expected = kStale.count(code) > 0 ? 2 : 1;
    if (passing) {
      CHECK(attempts == kAttempts);
    } else {
      CHECK(attempts <= expected);
      CHECK(attempts >= 1);
    }
  }
  CHECK(ask(*session, "select 'well'") == "well");
}

TEST_CASE("any code that a statement ends the session with: in doubt, and never run again") {
  Bent bent(without_breaker());
  auto const session = bent.session->with(three_times());
  for (auto const* code :
       {"57P01", "57P02", "57P03", "57P05", "40001", "53300", "XX000", "08006"}) {
    INFO(code);
    ask(*session, "select 1");
    auto const rule = bent.proxy.add({.side = Side::backend,
                                      .type = 'C',
                                      .text = "SELECT",
                                      .nth = 0,
                                      .act = Act::replace,
                                      .payload = test::error_message("FATAL", code, "injected")});
    auto const error = failure_of([&] { ask(*session, "select 'attempt'"); });
    auto const attempts = bent.proxy.hits(rule);
    bent.proxy.release(rule);
    REQUIRE(error);
    CHECK(attempts == 1);
    CHECK(error->in_doubt());
  }
  CHECK(ask(*session, "select 'well'") == "well");
}

TEST_CASE(
    "any code that the server answers COMMIT with is a rollback, and its connection is clean") {
  Bent bent(without_breaker());
  for (auto const code : codes()) {
    INFO(code);
    auto const tx = wait(bent.session->begin({}));
    ask(*tx, "select 1");
    // What the server sends when a commit fails: the error, and that the session is idle.
    auto const rule = bent.proxy.add({.side = Side::backend,
                                      .type = 'C',
                                      .text = "COMMIT",
                                      .act = Act::replace,
                                      .payload = test::error_message("ERROR", code, "injected")});
    auto const error = failure_of([&] { wait(tx->commit()); });
    CHECK(bent.proxy.hits(rule) == 1);
    bent.proxy.release(rule);
    REQUIRE(error);
    CHECK(error->phase() == Phase::commit);
    bool const server_knows = code != "08007" && code != "40003";
    if (server_knows) {
      CHECK(error->outcome() == Outcome::rejected);
      CHECK(error->kind() != ErrorKind::commit_unknown);
    } else {
      CHECK_FALSE(error->retryable());
    }
    CHECK_FALSE(tx->in_transaction());
  }
  test::check_clean(*bent.session);
}

TEST_CASE("any code that a login is refused with: nothing was sent, tried again when it may pass") {
  for (auto const code : codes()) {
    INFO(code);
    Bent bent(without_breaker());
    auto const session = bent.session->with(three_times());
    // A message as the server writes it for that code; the client knows the code by it, because libpq does
    // not tell it.
    auto const rule = bent.proxy.add({.side = Side::backend,
                                      .type = 'R',
                                      .nth = 0,
                                      .act = Act::replace,
                                      .payload = test::error_message("FATAL", code, "injected")});
    auto const error = failure_of([&] { ask(*session, "select 1"); });
    auto const attempts = bent.proxy.hits(rule);
    bent.proxy.clear();
    REQUIRE(error);
    CHECK(attempts >= 1);
    CHECK(error->outcome() == Outcome::not_sent);
    CHECK_FALSE(error->in_doubt());
    // A few attempts for each of the caller's, never a storm.
    CHECK(attempts <= 4 * kAttempts);
  }
}

}  // namespace
}  // namespace moonpool::session
