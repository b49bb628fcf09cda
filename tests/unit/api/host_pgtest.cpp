// The C++ face, as a host includes it. Its Error is not the engine's, so nothing of the engine is here.
#include <moonpool/moonpool.hpp>

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/server/dsn.hpp"

namespace {

using moonpool::Cluster;
using moonpool::Error;
using moonpool::Session;
using moonpool::Transaction;

Cluster connected(std::vector<std::pair<std::string, std::string>> more = {}) {
  return Cluster::connect({.primary = moonpool::test::primary_dsn(),
                           .replicas = {moonpool::test::replica_dsn()},
                           .more = std::move(more)});
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

TEST_CASE("values go in as parameters and come out as asked for") {
  auto const cluster = connected();
  auto const rows = cluster.query(
      "select $1::int + 1 as n, $2::text as t, $3::bool as b, $4::text as nothing, $5::float8 as f",
      41, "it's", true, nullptr, 0.1);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["n"].as<int>() == 42);
  CHECK(rows[0]["n"].as<long long>() == 42);
  CHECK(rows[0]["t"].as<std::string>() == "it's");
  CHECK(rows[0]["b"].as<bool>());
  CHECK(rows[0]["nothing"].is_null());
  CHECK(rows[0]["nothing"].as<std::optional<int>>() == std::nullopt);
  CHECK(rows[0]["nothing"].as<int>(7) == 7);
  CHECK(rows[0]["f"].as<double>() == 0.1);
  CHECK(rows.node() == "primary");
  CHECK(rows.column_name(1) == "t");
  CHECK(cluster.query("select $1::text", std::optional<std::string>()).at(0, 0).is_null());
}

TEST_CASE("numbers keep every bit there and back") {
  auto const cluster = connected();
  for (auto const value : {0.1, 1e300, -1e-300, 5e-324, 1.7976931348623157e308}) {
    CHECK(cluster.query("select $1::float8", value).scalar<double>() == value);
  }
  for (auto const value :
       {std::numeric_limits<long long>::min(), std::numeric_limits<long long>::max(), 0LL}) {
    CHECK(cluster.query("select $1::int8", value).scalar<long long>() == value);
  }
}

TEST_CASE("what a field is not is said with its column") {
  auto const cluster = connected();
  auto const rows = cluster.query("select 'word' as a, null as b, 300 as c, '' as d");
  for (auto const& error :
       {error_of([&] { (void)rows[0]["a"].as<int>(); }),
        error_of([&] { (void)rows[0]["b"].text(); }),
        error_of([&] { (void)rows[0]["c"].as<signed char>(); }),
        error_of([&] { (void)rows[0]["d"].as<int>(); }), error_of([&] { (void)rows[0]["zzz"]; }),
        error_of([&] { (void)rows.at(1, 0); }),
        error_of([&] { (void)cluster.query("select 1 where false").scalar<int>(); })}) {
    CHECK(error.kind == "usage");
  }
  CHECK_THAT(error_of([&] { (void)rows[0]["zzz"]; }).message,
             moonpool::test::contains("a, b, c, d"));
}

TEST_CASE("rows are walked") {
  auto const cluster = connected();
  int sum = 0;
  for (auto const& row : cluster.query("select generate_series(1, 10) as n"))
    sum += row["n"].as<int>();
  CHECK(sum == 55);
}

TEST_CASE("methods choose the server") {
  auto const cluster = connected();
  CHECK_FALSE(cluster.query("select pg_is_in_recovery()").scalar<bool>());
  CHECK(cluster.read_query("select pg_is_in_recovery()").scalar<bool>());
  CHECK(error_of([&] { cluster.read_query("create table host_refused (a int)"); }).sqlstate ==
        "25006");
  cluster.exec("create table if not exists host_rows (a int unique)");
  cluster.exec("truncate host_rows");
  CHECK(cluster.exec("insert into host_rows values (1), (2)") == 2);
}

TEST_CASE("errors are copied whole, and outlive everything") {
  auto const error = [] {
    auto const cluster = connected();
    cluster.exec("create table if not exists host_rows (a int unique)");
    cluster.exec("truncate host_rows");
    cluster.exec("insert into host_rows values (1)");
    return error_of([&] { cluster.exec("insert into host_rows values ($1)", 1); });
  }();
  CHECK(error.is("unique_violation"));
  CHECK(error.sqlstate == "23505");
  CHECK(error.outcome == "rejected");
  CHECK(error.table == "host_rows");
  CHECK(error.node == "primary");
  CHECK_FALSE(error.in_doubt);
  CHECK_THAT(error.what(), moonpool::test::contains("unique_violation"));
}

TEST_CASE("a transaction commits, or rolls back what was thrown through it") {
  auto const cluster = connected();
  cluster.exec("create table if not exists host_tx (a int unique)");
  cluster.exec("truncate host_tx");
  auto count = [&] { return cluster.query("select count(*) from host_tx").scalar<int>(); };
  cluster.transaction([](Transaction& tx) {
    tx.exec("insert into host_tx values (1)");
    CHECK(tx.in_transaction());
  });
  CHECK(count() == 1);
  CHECK_THROWS_AS(cluster.transaction([](Transaction& tx) {
    tx.exec("insert into host_tx values (2)");
    throw std::runtime_error("changed my mind");
  }),
                  std::runtime_error);
  CHECK(count() == 1);
  auto const swallowed = error_of([&] {
    cluster.transaction([](Transaction& tx) {
      try {
        tx.exec("insert into host_tx values (1)");
      } catch (Error const&) {
      }
    });
  });
  CHECK(swallowed.kind == "transaction");
  CHECK(count() == 1);
}

TEST_CASE("nested transactions are savepoints") {
  auto const cluster = connected();
  cluster.exec("create table if not exists host_tx (a int unique)");
  cluster.exec("truncate host_tx");
  cluster.transaction([](Transaction& tx) {
    tx.exec("insert into host_tx values (1)");
    try {
      tx.transaction([](Transaction& inner) { inner.exec("insert into host_tx values (1)"); });
    } catch (Error const& error) {
      CHECK(error.is("unique_violation"));
    }
    tx.transaction([](Transaction& inner) { inner.exec("insert into host_tx values (2)"); });
  });
  CHECK(cluster.query("select count(*) from host_tx").scalar<int>() == 2);
}

TEST_CASE("a transaction that lost a race is run again, so often as allowed") {
  auto const cluster = connected();
  int runs = 0;
  cluster.transaction([&](Transaction& tx) {
    if (++runs < 3) tx.exec("do $$ begin raise exception 'again' using errcode = '40001'; end $$");
  });
  CHECK(runs == 3);
  runs = 0;
  auto const error = error_of([&] {
    cluster.transaction(
        [&](Transaction& tx) {
          ++runs;
          tx.exec("do $$ begin raise exception 'again' using errcode = '40001'; end $$");
        },
        {}, 1);
  });
  CHECK(error.sqlstate == "40001");
  CHECK(runs == 2);
}

TEST_CASE("a session inside a session's transaction is told apart") {
  auto const cluster = connected();
  auto session = cluster.session();
  CHECK_FALSE(session.in_transaction());
  session.ping();
  session.transaction([&](Session& tx) { CHECK(tx.in_transaction()); });
}

TEST_CASE("wrong options are refused when connecting") {
  CHECK(error_of([] { Cluster::connect({.primary = "nonsense"}); }).kind == "config");
  CHECK(error_of([] { connected({{"pool.mox", "1"}}); }).kind == "config");
  CHECK(error_of([] { Cluster::connect({.replicas = {"host=x"}}); }).kind == "config");
}

TEST_CASE("what one session wrote another one sees, by a token") {
  auto const cluster = connected();
  auto writer = cluster.session();
  writer.exec("create table if not exists host_tokens (n int)");
  CHECK(writer.exec("insert into host_tokens values (1)") == 1);
  auto reader = cluster.session();
  CHECK(reader.token().empty());
  reader.after(writer.token());
  CHECK(reader.token() == writer.token());
  CHECK(reader.read_query("select n from host_tokens").size() >= 1);
  CHECK(error_of([&] { reader.after("nonsense"); }).kind == "usage");
}

TEST_CASE("a node's breakers are held open and let go") {
  auto const cluster = connected({{"retry.attempts", "1"}, {"failover_wait", "0"}});
  cluster.ping();
  cluster.breaker("primary", moonpool::Breaker::open);
  CHECK(error_of([&] { cluster.ping(); }).is("circuit_open"));
  CHECK_THAT(cluster.stats(), moonpool::test::contains("\"forced\":\"open\""));
  cluster.breaker("primary", moonpool::Breaker::automatic);
  cluster.ping();
  CHECK(error_of([&] { cluster.breaker("nobody", moonpool::Breaker::open); }).kind == "usage");
}

TEST_CASE("a deadline, and the end") {
  auto const cluster = connected({{"timeout", "100ms"}});
  CHECK(error_of([&] { cluster.exec("select pg_sleep(20)"); }).is("timeout"));
  CHECK_THAT(cluster.stats(), moonpool::test::contains("\"nodes\""));
  cluster.close();
  CHECK(error_of([&] { cluster.ping(); }).is("cluster_closed"));
}

}  // namespace
