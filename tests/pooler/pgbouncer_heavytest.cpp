// PgBouncer in transaction mode in front: every statement may meet another session of the server.
#include <unistd.h>

#include <atomic>

#include "faults/ground.hpp"
#include "pooler/pgbouncer.hpp"
#include "session/stream.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Engine;
using test::error_of;
using test::failure_of;
using test::Findings;
using test::PgBouncer;
using test::side_by_side;
using test::sql;
using test::wait;

cluster::ClusterOptions pooled(std::size_t max = 10) {
  cluster::ClusterOptions options;
  options.pool.max = max;
  options.pool.statement_cache = 0;
  options.shared_sessions = true;
  return options;
}

Habits as(std::string const& user) {
  auto habits = test::once();
  habits.context.set("app.user_id", user);
  return habits;
}

TEST_CASE("twenty callers share three sessions of the server, whatever they do") {
  PgBouncer const pooler(3);
  Engine const engine({pooler.node(test::unique("pooled"))}, pooled(20));
  sql("create table if not exists pooled (caller int, n int)");
  sql("truncate pooled");
  Findings findings;
  side_by_side(20, findings, [&](int caller) {
    auto const me = std::to_string(caller);
    auto const own = engine.session->with(test::once());
    auto const mine = engine.session->with(as(me));
    for (int i = 0; i < 20; ++i) {
      auto const n = std::to_string(i);
      findings.expect(ask(*own, "select " + n) == n, "a statement");
      findings.expect(ask(*own, "select count(*) >= 0 from pooled", test::kRead) == "t", "a read");
      // What is laid on is there for the statement, and for nobody else.
      findings.expect(ask(*mine, "select current_setting('app.user_id')") == me, "a context");
      findings.expect(ask(*mine, "select current_setting('app.user_id')", test::kRead) == me,
                      "a context on a read");
      findings.expect(
          ask(*own, "select coalesce(current_setting('app.user_id', true), '')").empty(),
          "somebody else's context");
      auto const answer = test::run_all(*own, {"select 1", "select 2", "select 3"});
      findings.expect(answer.error() == nullptr && answer.replies.size() == 3, "a batch");
      auto const tx = wait(own->begin({}));
      test::run(*tx, "insert into pooled values (" + me + ", " + n + ")");
      test::run(*tx, "set local work_mem = '1234kB'");
      findings.expect(ask(*tx, "show work_mem") == "1234kB", "a transaction");
      if (i % 2 == 0) {
        wait(tx->commit());
      } else {
        wait(tx->rollback());
      }
    }
  });
  CHECK(sql("select count(*) from pooled") == "200");
  CHECK(sql("select count(distinct (caller, n)) from pooled") == "200");
  CHECK(test::at_rest(*engine.cluster));
}

TEST_CASE("reads are read-only although the session is not, in one round trip") {
  PgBouncer const pooler(1);
  Engine const engine({pooler.node(test::unique("pooled"))}, pooled());
  sql("create table if not exists pooled (caller int, n int)");
  auto const session = engine.session->with(test::once());
  auto const error =
      error_of([&] { ask(*session, "insert into pooled values (1, 1) returning n", test::kRead); });
  CHECK(error.sqlstate() == "25006");
  CHECK(ask(*session, "show transaction_read_only", test::kRead) == "on");
  CHECK(ask(*session, "show transaction_read_only") == "off");
  auto const stream = wait(session->stream(
      test::statement("select current_setting('transaction_read_only')"), test::kRead));
  auto const rows = wait(stream->next(10));
  REQUIRE(rows);
  CHECK(rows->value(0, 0) == "on");
}

TEST_CASE("nothing is left prepared on the server") {
  PgBouncer const pooler(2);
  Engine const engine({pooler.node(test::unique("pooled"))}, pooled());
  for (int i = 0; i < 20; ++i) ask(*engine.session, "select 'again'");
  CHECK(ask(*engine.session, "select count(*) from pg_prepared_statements") == "0");
}

TEST_CASE("what the pooler says about its server is told for what it is") {
  PgBouncer const pooler(2);
  auto const name = test::unique("pooled");
  Engine const engine({pooler.node(name)}, pooled(), {.timeout = 20s, .retry = {.attempts = 1}});
  auto const table = test::unique("pooled");
  sql("create table " + table + " (n int)");
  ask(*engine.session, "select 1");
  // The session of the server dies under a write: 08P01, "server conn crashed?" — in doubt, and not again.
  std::optional<Error> failure;
  std::thread caller([&] {
    failure = failure_of([&] {
      ask(*engine.session,
          "insert into " + table + " select 1 from pg_sleep(20) returning 'done by " + name + "'");
    });
  });
  REQUIRE(test::eventually([&] {
    return sql("select count(*) from pg_stat_activity where state = 'active' and query like "
               "'insert into " +
               table + "%'") == "1";
  }));
  sql("select pg_terminate_backend(pid) from pg_stat_activity where query like 'insert into " +
      table + "%'");
  caller.join();
  REQUIRE(failure);
  INFO(failure->describe());
  CHECK(failure->outcome() != Outcome::not_sent);
  CHECK(sql("select count(*) from " + table) == "0");
  // It goes on after that, and a read that meets the same is tried again and succeeds.
  auto const patient = engine.session->with({.timeout = 20s, .retry = {}});
  CHECK(ask(*patient, "select 1") == "1");
  std::atomic<bool> done{false};
  std::thread reader([&] {
    failure = failure_of([&] { ask(*patient, "select 2 from pg_sleep(0.5)", test::kRead); });
    done = true;
  });
  REQUIRE(test::eventually([&] {
    return sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where state = "
               "'active' and query like 'select 2 from pg_sleep%'") == "1";
  }));
  reader.join();
  if (failure) FAIL_CHECK(failure->describe());
  CHECK(done);
}

TEST_CASE("a passed deadline behind the pooler stops the statement on the server") {
  PgBouncer const pooler(2);
  Engine const engine({pooler.node(test::unique("pooled"))}, pooled());
  auto const error = error_of(
      [&] { ask(*engine.session->with(test::once(300ms)), "select 'left' from pg_sleep(20)"); });
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(test::eventually(
      [&] {
        return sql("select count(*) from pg_stat_activity where state = 'active' and query like "
                   "'select ''left''%'") == "0";
      },
      5s));
  CHECK(ask(*engine.session, "select 1") == "1");
}

TEST_CASE("a start-up option that the pooler refuses is explained") {
  PgBouncer const pooler(2);
  Engine const engine({pooler.node(test::unique("pooled"))}, {},
                      {.timeout = 5s, .retry = {.attempts = 1}});
  auto const error = error_of([&] { ask(*engine.session, "select 1", test::kRead); });
  INFO(error.describe());
  CHECK(error.describe().find("prepare = \"off\"") != std::string::npos);
}

}  // namespace
}  // namespace moonpool::session
