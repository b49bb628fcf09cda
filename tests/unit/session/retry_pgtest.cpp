#include "support/promptness.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Act;
using test::ask;
using test::Bent;
using test::Engine;
using test::error_of;
using test::kAtomic;
using test::kRead;
using test::Side;
using test::sql;

constexpr RunOptions kIdempotent{.idempotent = true};

// A function that raises `code` until its sequence has come to `times`, then gives the number of the call.
std::string fails_at_first(std::string const& code, int times) {
  auto const name = test::unique("fails");
  sql("create sequence " + name + "_calls");
  sql("create function " + name +
      "() returns bigint language plpgsql as $$ declare n bigint := nextval('" + name +
      "_calls'); begin if n <= " + std::to_string(times) +
      " then raise exception 'not yet' using errcode = '" + code + "'; end if; return n; end $$");
  return name;
}

std::string calls(std::string const& name) {
  return sql("select last_value from " + name + "_calls");
}

TEST_CASE("what the server rolled back for a passing reason is run again") {
  Engine const engine;
  for (auto const* code : {"40001", "40P01"}) {
    auto const name = fails_at_first(code, 2);
    INFO(code);
    CHECK(ask(*engine.session, "select " + name + "()") == "3");
    CHECK(calls(name) == "3");
  }
}

TEST_CASE("an atomic batch is run again as a whole") {
  Engine const engine;
  auto const table = test::unique("retry");
  sql("create table " + table + " (a int)");
  auto const name = fails_at_first("40001", 1);
  auto const answer = test::run_all(
      *engine.session,
      {"insert into " + table + " values (1)", "select " + name + "()", "select 3"}, kAtomic);
  REQUIRE(answer.error() == nullptr);
  CHECK(sql("select count(*) from " + table) == "1");
  CHECK(calls(name) == "2");
}

TEST_CASE("a batch of several segments is not run again: some of it has happened") {
  Engine const engine;
  auto const table = test::unique("retry");
  sql("create table " + table + " (a int)");
  auto const name = fails_at_first("40001", 1);
  auto const answer = test::run_all(
      *engine.session, {"insert into " + table + " values (1)", "select " + name + "()"});
  CHECK(answer.error()->sqlstate() == "40001");
  CHECK(sql("select count(*) from " + table) == "1");
  CHECK(calls(name) == "1");
}

TEST_CASE("who never succeeds gives up, and tells of every attempt") {
  Engine const engine({}, Habits{.retry = {.attempts = 3, .base = 1ms, .cap = 2ms}});
  auto const name = fails_at_first("40001", 100);
  auto const error = error_of([&] { ask(*engine.session, "select " + name + "()"); });
  CHECK(error.kind() == ErrorKind::retry_exhausted);
  CHECK(error.attempt() == 3);
  CHECK(error.causes().size() == 3);
  CHECK(error.sqlstate() == "40001");
  CHECK(calls(name) == "3");
}

TEST_CASE("one attempt means one attempt") {
  Engine const engine({}, Habits{.retry = {.attempts = 1}});
  auto const name = fails_at_first("40001", 1);
  auto const error = error_of([&] { ask(*engine.session, "select " + name + "()"); });
  CHECK(error.sqlstate() == "40001");
  CHECK(error.kind() == ErrorKind::server);
  CHECK(calls(name) == "1");
}

TEST_CASE("attempts stay within the deadline of the call") {
  Engine const engine({}, Habits{.retry = {.attempts = 1000, .base = 50ms, .cap = 50ms}});
  auto const name = fails_at_first("40001", 1000);
  test::Stopwatch const watch;
  error_of([&] { ask(*engine.session, "select " + name + "()", RunOptions{.timeout = 200ms}); });
  CHECK(watch.milliseconds() < 200 + test::grace());
}

TEST_CASE("what can never succeed is not tried again") {
  Engine const engine;
  for (auto const* code :
       {"23505", "22012", "42601", "42501", "53100", "P0001", "XX000", "55P03", "57014", "40002"}) {
    auto const name = fails_at_first(code, 1);
    INFO(code);
    CHECK(error_of([&] { ask(*engine.session, "select " + name + "()"); }).sqlstate() == code);
    CHECK(error_of([&] {
            ask(*engine.session, "select " + fails_at_first(code, 1) + "()", kIdempotent);
          }).sqlstate() == code);
    CHECK(calls(name) == "1");
  }
}

std::string new_table() {
  auto const table = test::unique("retry");
  sql("create table " + table + " (a int)");
  return table;
}

TEST_CASE("a write whose answer was lost is never run again") {
  Bent bent;
  for (auto const type : {'C', 'Z'}) {
    auto const table = new_table();
    ask(*bent.session, "select 1");
    auto const rule = bent.proxy.add({.side = Side::backend, .type = type, .act = Act::cut_before});
    auto const error =
        error_of([&] { ask(*bent.session, "insert into " + table + " values (1)"); });
    CHECK(bent.proxy.hits(rule) == 1);
    CHECK(error.outcome() == Outcome::unknown);
    CHECK(error.attempt() == 1);
    bent.proxy.clear();
    std::this_thread::sleep_for(50ms);
    CHECK(sql("select count(*) from " + table) == "1");
  }
}

TEST_CASE("a read whose answer was lost is run again, and so is what was declared harmless") {
  Bent bent;
  for (auto const& options : {kRead, kIdempotent}) {
    ask(*bent.session, "select 1", options);
    auto const rule = bent.proxy.add({.side = Side::backend, .type = 'C', .act = Act::cut_before});
    CHECK(ask(*bent.session, "select 'again'", options) == "again");
    CHECK(bent.proxy.hits(rule) == 1);
    bent.proxy.clear();
  }
}

TEST_CASE("what was not sent is tried again, writes too") {
  Bent bent;
  auto const table = new_table();
  bent.proxy.door(test::Proxy::Door::slam);
  std::thread later([&] {
    std::this_thread::sleep_for(60ms);
    bent.proxy.door(test::Proxy::Door::open);
  });
  auto const session =
      bent.session->with(Habits{.retry = {.attempts = 100, .base = 10ms, .cap = 20ms}});
  bool done = false;
  try {
    ask(*session, "insert into " + table + " values (1)");
    done = true;
  } catch (Error const& error) {
    WARN(error.describe());
  }
  later.join();
  CHECK(done);
  CHECK(sql("select count(*) from " + table) == "1");
}

TEST_CASE("a budget bounds what all callers repeat together") {
  cluster::ClusterOptions options;
  options.breaker = {.failures = 1'000'000, .failure_rate = 0};
  Engine const engine(options, Habits{.retry = {.attempts = 4, .base = 1ms, .cap = 2ms}});
  auto const name = fails_at_first("57P05", 1'000'000);
  int attempts = 0;
  for (int i = 0; i < 50; ++i) {
    attempts += error_of([&] { ask(*engine.session, "select " + name + "()"); }).attempt();
  }
  // Ten repetitions are always free, and more than the tenth of the calls is not there.
  CHECK(attempts == 60);
  CHECK(calls(name) == "60");
  CHECK(engine.cluster->budget().tokens() == 50);
  for (int i = 0; i < 50; ++i) ask(*engine.session, "select 1");
  CHECK(engine.cluster->budget().tokens() == 100);
}

TEST_CASE("a budget is not asked where the server itself wants the work again") {
  cluster::ClusterOptions options;
  options.budget.tokens = 1;
  Engine const engine(options, Habits{.retry = {.attempts = 100, .base = 1ms, .cap = 1ms}});
  auto const name = fails_at_first("40001", 50);
  CHECK(ask(*engine.session, "select " + name + "()") == "51");
}

TEST_CASE("a read whose answer was lost every time tells of every attempt too") {
  cluster::ClusterOptions options;
  Bent bent(options, Habits{.retry = {.attempts = 3, .base = 1ms, .cap = 2ms}});
  ask(*bent.session, "select 1", kRead);
  bent.proxy.add({.side = Side::backend, .type = 'C', .nth = 0, .act = Act::cut_before});
  auto const error = error_of([&] { ask(*bent.session, "select 2", kRead); });
  CHECK(error.kind() == ErrorKind::retry_exhausted);
  CHECK(error.outcome() == Outcome::unknown);
  REQUIRE(error.causes().size() == 3);
  for (auto const& cause : error.causes()) {
    CHECK(cause.kind() == ErrorKind::connection);
    CHECK(cause.node() == error.node());
  }
}

// The connection prepares a second time by itself; nobody above it does so again.
TEST_CASE("a prepared statement that is stale every time is tried twice and no more") {
  Engine const engine;
  auto const name = test::unique("stale");
  sql("create sequence " + name);
  sql("create function " + name +
      "_f() returns int language plpgsql as $$ begin perform nextval('" + name +
      "'); raise exception 'gone' using errcode = '26000'; end $$");
  auto const error = error_of([&] { ask(*engine.session, "select " + name + "_f()"); });
  CHECK(error.sqlstate() == "26000");
  CHECK(error.kind() == ErrorKind::server);
  CHECK(error.attempt() == 2);
  REQUIRE(error.causes().size() == 1);
  CHECK(error.causes().front().sqlstate() == "26000");
  CHECK(sql("select last_value from " + name) == "2");
}

TEST_CASE("a refused login is not tried again") {
  auto node = test::node(test::primary(), cluster::Role::primary, "x");
  node.info.set("dbname", "no_such_database");
  Engine const engine({node});
  auto const error = error_of([&] { ask(*engine.session, "select 1"); });
  CHECK(error.sqlstate() == "3D000");
  CHECK(error.attempt() == 1);
}

}  // namespace
}  // namespace moonpool::session
