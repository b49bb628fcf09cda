#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Engine;
using test::error_of;
using test::sql;
using test::wait;

struct Case {
  Engine engine;
  std::shared_ptr<Session> pinned;
  Case() {
    Habits habits;
    habits.pinned = true;
    pinned = Session::make(engine.cluster, habits);
  }
  std::string pid() const { return ask(*pinned, "select pg_backend_pid()"); }
  std::size_t busy() const { return engine.cluster->stats()[0].writes.busy; }
};

TEST_CASE("a pinned session keeps its connection, and what belongs to it") {
  Case c;
  auto const pid = c.pid();
  CHECK(ask(*c.pinned, "select pg_try_advisory_lock(4711)") == "t");
  test::run(*c.pinned, "create temp table mine (a int)");
  test::run(*c.pinned, "set work_mem = '1234kB'");
  wait(c.pinned->run_script("select 1; select 2", {}));
  for (int i = 0; i < 3; ++i) ask(*c.engine.session, "select 1");
  CHECK(c.pid() == pid);
  CHECK(ask(*c.pinned, "show work_mem") == "1234kB");
  CHECK(ask(*c.pinned, "select count(*) from mine") == "0");
  CHECK(ask(*c.engine.session, "select pg_try_advisory_lock(4711)") == "f");
  CHECK(c.busy() == 1);
}

TEST_CASE("a connection that is pinned is not taken for a leak, a forgotten transaction is") {
  cluster::ClusterOptions options;
  options.pool.leak_threshold = 50ms;
  Engine engine(options);
  Habits habits;
  habits.pinned = true;
  auto const pinned = Session::make(engine.cluster, habits);
  ask(*pinned, "select 1");
  auto const told = [&] { return engine.cluster->stats()[0].writes.leases_over_threshold; };
  {
    auto const forgotten = wait(engine.session->begin({}));
    ask(*forgotten, "select 1");
    CHECK(test::eventually([&] { return told() == 1; }));
  }
  std::this_thread::sleep_for(1200ms);  // the keeper looks every second at least
  CHECK(told() == 1);
}

TEST_CASE("the connection goes back clean when the session ends") {
  Case c;
  test::run(*c.pinned, "set work_mem = '1234kB'");
  ask(*c.pinned, "select pg_advisory_lock(4712)");
  c.pinned.reset();
  CHECK(test::eventually([&] { return c.busy() == 0; }));
  for (int i = 0; i < 3; ++i) CHECK(ask(*c.engine.session, "show work_mem") != "1234kB");
  CHECK(test::eventually([] {
    return sql("select count(*) from pg_locks where locktype = 'advisory' and objid = 4712") == "0";
  }));
}

TEST_CASE("transactions of a pinned session run on its connection") {
  Case c;
  auto const pid = c.pid();
  for (bool const keep : {true, false}) {
    auto const tx = wait(c.pinned->begin({}));
    CHECK(ask(*tx, "select pg_backend_pid()") == pid);
    wait(keep ? tx->commit() : tx->rollback());
    CHECK(c.pid() == pid);
  }
  auto const failed = wait(c.pinned->begin({}));
  error_of([&] { test::run(*failed, "selec"); });
  error_of([&] { wait(failed->commit()); });
  CHECK(c.pid() == pid);
}

TEST_CASE("reads of a pinned session still go to the replica") {
  Case c;
  CHECK(ask(*c.pinned, "select pg_is_in_recovery()", test::kRead) == "t");
}

TEST_CASE("an answer that came too late is not taken for another's") {
  Case c;
  auto const error = error_of(
      [&] { ask(*c.pinned, "select 'old' from pg_sleep(0.2)", RunOptions{.timeout = 60ms}); });
  CHECK(error.kind() == ErrorKind::timeout);
  for (int i = 0; i < 3; ++i) {
    std::string told;
    try {
      told = ask(*c.pinned, "select 'new'");
    } catch (Error const&) {
      told = "refused";
    }
    CHECK(told != "old");
  }
}

TEST_CASE("an operation destroyed midway does not lend its answer to the next") {
  Case c;
  c.pid();
  {
    async::Stepper<Answer> stepper(
        c.pinned->run({test::statement("select 'old' from pg_sleep(0.1)")}, {}));
    REQUIRE_FALSE(stepper.step());
  }
  std::string told;
  try {
    told = ask(*c.pinned, "select 'new'");
  } catch (Error const&) {
    told = "refused";
  }
  CHECK(told != "old");
}

// What belonged to the connection (locks, temporary tables) is gone with it: going on as if nothing had
// happened would let two holders of one lock run at once.
TEST_CASE("a pinned session whose connection was lost says so once") {
  Case c;
  ask(*c.pinned, "select pg_advisory_lock(4713)");
  sql("select pg_terminate_backend(" + c.pid() + ", 2000)");
  auto const error = error_of([&] { ask(*c.pinned, "select 1"); });
  CHECK((error.kind() == ErrorKind::connection || error.sqlstate() == "57P01"));
  CHECK(ask(*c.pinned, "select 1") == "1");
}

TEST_CASE("two handles on one pinned session share its connection") {
  Case c;
  auto const pid = c.pid();
  auto const other = c.pinned->with(c.pinned->habits());
  CHECK(ask(*other, "select pg_backend_pid()") == pid);
}

}  // namespace
}  // namespace moonpool::session
