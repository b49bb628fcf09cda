#include <thread>

#include "support/promptness.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Bent;
using test::Engine;
using test::error_of;
using test::kAtomic;
using test::kRead;
using test::run_all;
using test::sql;
using test::Stopwatch;
using test::wait;

std::string new_table() {
  auto const table = test::unique("session");
  sql("create table " + table + " (a int unique)");
  return table;
}

Habits patience(Duration timeout) {
  Habits habits;
  habits.timeout = timeout;
  return habits;
}

std::string count(std::string const& table) { return sql("select count(*) from " + table); }

TEST_CASE("statements run where their method sends them, and say where that was") {
  // A busy replica may be behind for longer than a read waits for it by default.
  cluster::ClusterOptions options;
  options.catch_up_wait = 10s;
  Engine const engine(options);
  CHECK(ask(*engine.session, "select pg_is_in_recovery()") == "f");
  CHECK(ask(*engine.session, "select pg_is_in_recovery()", kRead) == "t");
  CHECK(run_all(*engine.session, {"select 1"}).node == "primary");
  CHECK(run_all(*engine.session, {"select 1"}, kRead).node == "replica1");
}

TEST_CASE("no statement at all is a wrong call") {
  Engine const engine;
  CHECK(error_of([&] { run_all(*engine.session, {}); }).kind() == ErrorKind::usage);
}

TEST_CASE("a batch that is not atomic: each for itself") {
  Engine const engine;
  auto const table = new_table();
  auto const insert = "insert into " + table + " values ";
  auto const answer = run_all(*engine.session, {insert + "(1)", insert + "(1)", insert + "(2)"});
  REQUIRE(answer.replies.size() == 3);
  REQUIRE(answer.error() != nullptr);
  CHECK(answer.error()->sqlstate() == "23505");
  CHECK(answer.error()->node() == "primary");
  CHECK(std::holds_alternative<wire::Result>(answer.replies[2]));
  CHECK(count(table) == "2");
}

TEST_CASE("an atomic batch: all or none, and every reply says so") {
  Engine const engine;
  auto const table = new_table();
  auto const insert = "insert into " + table + " values ";
  CHECK(run_all(*engine.session, {insert + "(1)", insert + "(2)"}, kAtomic).error() == nullptr);
  auto const answer =
      run_all(*engine.session, {insert + "(3)", insert + "(1)", insert + "(4)"}, kAtomic);
  REQUIRE(answer.replies.size() == 3);
  for (auto const& reply : answer.replies) CHECK(std::holds_alternative<Error>(reply));
  CHECK(answer.error()->sqlstate() == "23505");
  CHECK(std::get<Error>(answer.replies[0]).kind() == ErrorKind::transaction);
  CHECK(std::get<Error>(answer.replies[0]).outcome() == Outcome::rejected);
  CHECK(count(table) == "2");
}

TEST_CASE("a call keeps its deadline, and the server is told to stop") {
  Engine const engine;
  Stopwatch const watch;
  RunOptions const options{.timeout = 100ms};
  auto const error =
      error_of([&] { ask(*engine.session, "select pg_sleep(20), 'session_deadline'", options); });
  CHECK(watch.milliseconds() >= 100);
  CHECK(watch.milliseconds() < 100 + test::grace());
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(error.outcome() == Outcome::unknown);
  CHECK(error.node() == "primary");
  CHECK_THAT(error.query(), test::contains("session_deadline"));
  CHECK(test::eventually(
      [] {
        return sql("select count(*) from pg_stat_activity where state = 'active' and query like "
                   "'%session_deadline%' "
                   "and pid <> pg_backend_pid()") == "0";
      },
      10s));
  CHECK(ask(*engine.session, "select 1") == "1");
}

TEST_CASE("the session's habit is the deadline of a call that names none") {
  Engine const engine({}, patience(80ms));
  Stopwatch const watch;
  CHECK(error_of([&] { ask(*engine.session, "select pg_sleep(20)"); }).kind() ==
        ErrorKind::timeout);
  CHECK(watch.milliseconds() < 80 + test::grace());
  auto const patient = engine.session->with(patience(10s));
  CHECK(ask(*patient, "select 'slept' from pg_sleep(0.15)") == "slept");
}

TEST_CASE("a script runs on the primary, statement by statement") {
  Engine const engine;
  auto const table = new_table();
  auto const answer = wait(engine.session->run_script(
      "insert into " + table + " values (1); select pg_is_in_recovery(); selec", {}));
  REQUIRE(answer.replies.size() <= 3);
  CHECK(answer.error()->sqlstate() == "42601");
  auto const good =
      wait(engine.session->run_script("insert into " + table + " values (1); select 7", {}));
  REQUIRE(good.replies.size() == 2);
  CHECK(test::text_of(std::get<wire::Result>(good.replies[1])) == "7");
  CHECK(good.node == "primary");
  CHECK(count(table) == "1");
}

TEST_CASE("what a script sets does not reach the next call") {
  cluster::ClusterOptions options;
  options.pool.max = 1;
  Engine const engine(options);
  wait(engine.session->run_script("set work_mem = '1234kB'; create temp table left (a int)", {}));
  CHECK(ask(*engine.session, "show work_mem") != "1234kB");
  CHECK(ask(*engine.session, "select to_regclass('left') is null") == "t");
}

TEST_CASE("ping goes to the primary and back") {
  Engine const engine;
  wait(engine.session->ping());
  CHECK(engine.cluster->stats()[0].writes.acquired == 1);
  Habits once;
  once.retry.attempts = 1;
  Engine const nobody({test::node(test::replica(), cluster::Role::unknown, "x")}, {}, once);
  CHECK(error_of([&] { wait(nobody.session->ping()); }).kind() == ErrorKind::no_primary);
}

TEST_CASE("a session outlives the handle on its cluster") {
  std::shared_ptr<Session> session;
  {
    Engine const engine;
    session = engine.session;
  }
  CHECK(ask(*session, "select 1") == "1");
}

// A handle may go while its operation has not begun: the operation keeps what it needs.
TEST_CASE("an operation outlives the handle it was started on") {
  Engine const engine;
  auto session = Session::make(engine.cluster, {});
  auto running = session->run({test::statement("select 1")}, {});
  auto script = session->run_script("select 1", {});
  auto pinging = session->ping();
  auto beginning = session->begin({});
  SECTION("begun") {
    async::Stepper<Answer> stepper(std::move(running));
    while (!stepper.step(async::Wakeup::ready)) {
      session.reset();
      async::wait_blocking(stepper.wait());
    }
    CHECK(stepper.take().error() == nullptr);
  }
  SECTION("kept by its caller") {
    CHECK(wait(std::move(script)).error() == nullptr);
    wait(std::move(pinging));
    wait(wait(std::move(beginning))->rollback());
    CHECK(wait(std::move(running)).error() == nullptr);
  }
}

TEST_CASE("threads run side by side on sessions of their own") {
  Engine const engine;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      auto const session = Session::make(engine.cluster, {});
      for (int k = 0; k < 50; ++k) {
        auto const mine = std::to_string(1000 * i + k);
        if (ask(*session, "select " + mine, k % 2 == 0 ? kRead : RunOptions{}) != mine) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace moonpool::session
