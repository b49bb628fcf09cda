// The helpers for users' tests, and transactions of the C++ face, linked as a host program is.
#include "moonpool/testing.hpp"

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "support/catch.hpp"
#include "support/promptness.hpp"

namespace {

using moonpool::Cluster;
using moonpool::Error;
using moonpool::Session;
using moonpool::Transaction;
using moonpool::testing::sandbox;
using moonpool::testing::Servers;

Cluster connected(std::vector<std::pair<std::string, std::string>> more = {}) {
  char const* const primary = std::getenv("MOONPOOL_PRIMARY");
  REQUIRE(primary != nullptr);
  return Cluster::connect({.primary = primary, .more = std::move(more)});
}

template <class Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error;
  }
  FAIL("nothing was thrown");
  throw std::logic_error("not reached");
}

// For as long as it lives a variable of the environment has another value.
class Variable {
 public:
  Variable(char const* name, std::string const& value) : name_(name) {
    if (char const* const had = std::getenv(name)) had_ = had;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (had_) {
      setenv(name_, had_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Variable(Variable const&) = delete;
  Variable& operator=(Variable const&) = delete;

 private:
  char const* const name_;
  std::optional<std::string> had_;
};

long long rows_of(Cluster const& cluster, std::string const& table) {
  return cluster.query("select count(*) from " + table).scalar<long long>();
}

TEST_CASE("a cluster for tests ends with its object") {
  std::string folder;
  {
    auto const servers = Servers::start(1);
    REQUIRE(servers);
    CHECK(servers->replicas().size() == 1);
    auto const cluster = servers->connect({.pool_max = 2});
    folder = cluster.query("show data_directory").scalar<std::string>();
    CHECK(access(folder.c_str(), F_OK) == 0);
    cluster.close();
  }
  CHECK(access(folder.c_str(), F_OK) != 0);
}

TEST_CASE("without PostgreSQL it says so, or throws where nothing may be skipped") {
  Variable const nowhere("MOONPOOL_PG_BIN", "/nowhere");
  std::string why;
  CHECK_FALSE(Servers::start(0, &why));
  CHECK_THAT(why, moonpool::test::contains("was not found on this machine"));
  Variable const required("MOONPOOL_TEST_REQUIRED", "1");
  CHECK(error_of([] { Servers::start(); }).kind == "environment");
}

TEST_CASE("a server that is named is used, and stays") {
  Variable const named("MOONPOOL_TEST_DSN", std::getenv("MOONPOOL_PRIMARY"));
  {
    auto const servers = Servers::start();
    REQUIRE(servers);
    CHECK(servers->replicas().empty());
    CHECK(servers->connect().query("select 1").scalar<int>() == 1);
  }
  CHECK(connected().query("select 1").scalar<int>() == 1);
}

// Service code, which knows nothing of where it runs.
void order(Session& db, int id) {
  db.transaction([&](Transaction& tx) { tx.exec("insert into host_test values ($1)", id); },
                 {.isolation = moonpool::Isolation::serializable, .exactly_once = true});
}

TEST_CASE("a sandbox leaves nothing behind, whatever ran in it") {
  auto const cluster = connected();
  cluster.exec("create table host_test (id int primary key)");
  auto const seen = sandbox(cluster, [](Session& db) {
    order(db, 1);
    order(db, 2);
    CHECK(error_of([&] { order(db, 2); }).is("unique_violation"));
    db.transaction([](Transaction& tx) { order(tx, 3); });
    return db.query("select count(*) from host_test").scalar<int>();
  });
  CHECK(seen == 3);
  CHECK(rows_of(cluster, "host_test") == 0);
  CHECK_THROWS_AS(sandbox(cluster,
                          [](Session& db) {
                            order(db, 1);
                            throw std::runtime_error("a failed assertion");
                          }),
                  std::runtime_error);
  CHECK(rows_of(cluster, "host_test") == 0);
  cluster.transaction([](Transaction& tx) {
    CHECK_THAT(error_of([&] { sandbox(tx, [](Session&) {}); }).message,
               moonpool::test::contains("not inside a transaction"));
    // Outside of a sandbox options of a nested transaction are a mistake.
    CHECK(error_of([&] { order(tx, 1); }).kind == "usage");
  });
  cluster.exec("drop table host_test");
}

TEST_CASE("a transaction gives what its function gave, and one handle serves both") {
  auto const cluster = connected();
  cluster.exec("create table host_test (id int primary key)");
  auto session = cluster.session();
  order(session, 1);
  CHECK(cluster.transaction([](Transaction& tx) {
    tx.exec("insert into host_test values (2)");
    return tx.query("select count(*) from host_test").scalar<int>();
  }) == 2);
  CHECK(cluster.query("select count(*) from moonpool.commits").scalar<int>() >= 1);
  cluster.exec("drop table host_test");
}

TEST_CASE("test_rerun runs every function twice that may be run again") {
  auto const cluster = connected({{"test_rerun", "true"}});
  cluster.exec("create table host_test (id int primary key)");
  int runs = 0;
  CHECK(cluster.transaction([&](Transaction& tx) {
    tx.exec("insert into host_test values (1)");
    return ++runs;
  }) == 2);
  cluster.transaction([&](Transaction&) { ++runs; }, {}, 0);
  CHECK(runs == 3);
  CHECK(rows_of(cluster, "host_test") == 1);
  Variable const everywhere("MOONPOOL_TEST_RERUN", "1");
  connected().transaction([&](Transaction&) { ++runs; });
  CHECK(runs == 5);
  cluster.exec("drop table host_test");
}

TEST_CASE("a COMMIT that took its server process with it: proven, and run again") {
  auto const cluster = connected();
  for (auto const* text :
       {"create table host_test (id int)",
        "create function host_die() returns trigger language plpgsql as $$ begin "
        "perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); return null; end $$",
        "create constraint trigger die after insert on host_test deferrable initially deferred "
        "for each row when (new.id < 0) execute function host_die()"}) {
    cluster.exec(text);
  }
  int runs = 0;
  auto const work = [&](Transaction& tx) {
    tx.exec("insert into host_test values ($1)", ++runs <= 2 ? -1 : 1);
  };
  cluster.transaction(work, {.exactly_once = true});
  CHECK(runs == 3);
  CHECK(rows_of(cluster, "host_test") == 1);

  runs = 0;
  auto const proven = error_of([&] { cluster.transaction(work, {.exactly_once = true}, 0); });
  CHECK(proven.kind == "connection");
  CHECK(proven.outcome == "rejected");
  CHECK_FALSE(proven.in_doubt);
  runs = 0;
  auto const unknown = error_of([&] { cluster.transaction(work); });
  CHECK(unknown.kind == "commit_unknown");
  CHECK(unknown.in_doubt);
  CHECK(runs == 1);
  CHECK(rows_of(cluster, "host_test") == 1);
  cluster.exec("drop table host_test; ");
  cluster.exec("drop function host_die");
}

TEST_CASE("a watch counts statements and keeps the log") {
  auto const cluster = connected({{"slow_query", "50ms"}});
  cluster.ping();
  moonpool::testing::Watch watch(cluster);
  for (int id = 0; id < 10; ++id) cluster.query("select upper($1)", std::to_string(id));
  CHECK(watch.count("select upper") == 10);
  CHECK(watch.count() == 10);
  CHECK(watch.statements().front().outcome == "ok");
  CHECK(watch.lines("statement.slow").empty());
  watch.clear();
  cluster.query("select pg_sleep(0.1)");
  CHECK(error_of([&] { cluster.query("select 1/0"); }).is("division_by_zero"));
  CHECK(watch.count() == 2);
  CHECK(watch.statements().back().error == "division_by_zero");
  auto const slow = watch.lines("statement.slow");
  REQUIRE(slow.size() == 1);
  CHECK(slow.front().level == MP_LEVEL_WARNING);
}

TEST_CASE("the timeout of a transaction holds for all of its runs") {
  auto const cluster = connected();
  int runs = 0;
  auto const begun = std::chrono::steady_clock::now();
  auto const error = error_of([&] {
    cluster.transaction(
        [&](Transaction& tx) {
          ++runs;
          tx.exec("do $$ begin raise exception 'again' using errcode = '40001'; end $$");
        },
        {.timeout = std::chrono::milliseconds(400)}, 1'000);
  });
  // The time may end between two runs, or in the middle of one.
  INFO(error.what());
  CHECK((error.sqlstate == "40001" || error.kind == "timeout"));
  CHECK(runs > 1);
  auto const took = std::chrono::steady_clock::now() - begun;
  CHECK(std::chrono::duration<double, std::milli>(took).count() < 400 + moonpool::test::grace());
}

}  // namespace
