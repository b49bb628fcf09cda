// The host's own libpqxx on a connection of ours, linked as a host program is.
#include "moonpool/pqxx.hpp"

#include <cstdlib>
#include <pqxx/pqxx>
#include <stdexcept>
#include <string>

#include "support/catch.hpp"

namespace {

using moonpool::Cluster;
using moonpool::Error;
using moonpool::Transaction;
using moonpool::with_pqxx;

std::string place(char const* name) {
  char const* const found = std::getenv(name);
  REQUIRE(found != nullptr);
  return found;
}

Cluster connected() {
  return Cluster::connect({.primary = place("MOONPOOL_PRIMARY"),
                           .replicas = {place("MOONPOOL_REPLICA")},
                           .pool_max = 1});
}

TEST_CASE("libpqxx works on a pooled connection and gives it back") {
  auto const cluster = connected();
  auto const pid = cluster.query("select pg_backend_pid()").scalar<int>();
  for (int i = 0; i < 5; ++i) {
    auto const theirs = with_pqxx(cluster, [](pqxx::connection& connection) {
      pqxx::work tx(connection);
      tx.exec("create temp table lent (a int) on commit drop");
      auto stream = pqxx::stream_to::raw_table(tx, "lent", "a");
      for (int n = 0; n < 1000; ++n) stream.write_values(n);
      stream.complete();
      REQUIRE(tx.query_value<int>("select count(*) from lent") == 1000);
      auto const found = tx.query_value<int>("select pg_backend_pid()");
      tx.commit();
      return found;
    });
    CHECK(theirs == pid);
    CHECK(cluster.query("select pg_backend_pid()").scalar<int>() == pid);
  }
  with_pqxx(
      cluster,
      [](pqxx::connection& connection) {
        CHECK(pqxx::nontransaction(connection).query_value<bool>("select pg_is_in_recovery()"));
      },
      MP_READ);
}

TEST_CASE("settings and notices are the borrower's only while it lasts") {
  auto const cluster = connected();
  int notices = 0;
  with_pqxx(cluster, [&](pqxx::connection& connection) {
    connection.set_notice_handler([&](pqxx::zview) { ++notices; });
    pqxx::nontransaction tx(connection);
    tx.exec("set work_mem = '1234kB'");
    tx.exec("do $$ begin raise notice 'heard'; end $$");
  });
  CHECK(notices == 1);
  CHECK(cluster.query("show work_mem").scalar<std::string>() != "1234kB");
  cluster.exec("do $$ begin raise notice 'not heard'; end $$");
  CHECK(notices == 1);
}

TEST_CASE("a transaction that is left open is rolled back and told") {
  auto const cluster = connected();
  cluster.exec("drop table if exists lent_to");
  cluster.exec("create table lent_to (a int)");
  try {
    with_pqxx(cluster, [](pqxx::connection& connection) {
      pqxx::nontransaction tx(connection);
      tx.exec("begin");
      tx.exec("insert into lent_to values (1)");
    });
    FAIL("nothing was thrown");
  } catch (Error const& error) {
    CHECK(error.is("transaction"));
  }
  CHECK(cluster.query("select count(*) from lent_to").scalar<int>() == 0);
  CHECK_THROWS_AS(with_pqxx(cluster,
                            [](pqxx::connection& connection) {
                              pqxx::work tx(connection);
                              tx.exec("select nowhere");
                            }),
                  pqxx::undefined_column);
  CHECK_THROWS_WITH(with_pqxx(cluster,
                              [](pqxx::connection& connection) {
                                pqxx::work tx(connection);
                                tx.exec("insert into lent_to values (1)");
                                throw std::runtime_error("mine");
                              }),
                    "mine");
  CHECK(cluster.query("select count(*) from lent_to").scalar<int>() == 0);
}

TEST_CASE("a connection that breaks, or is left in a COPY, is closed") {
  auto const cluster = connected();
  CHECK_THROWS_AS(with_pqxx(cluster,
                            [](pqxx::connection& connection) {
                              pqxx::nontransaction tx(connection);
                              tx.exec("select pg_terminate_backend(pg_backend_pid())");
                            }),
                  pqxx::failure);
  CHECK(cluster.query("select 1").scalar<int>() == 1);
  CHECK_THROWS_AS(with_pqxx(cluster,
                            [](pqxx::connection& connection) {
                              pqxx::nontransaction tx(connection);
                              tx.exec("copy pg_class (relname) from stdin");
                            }),
                  std::exception);
  CHECK(cluster.query("select 1").scalar<int>() == 1);
}

TEST_CASE("inside a transaction it is that transaction's connection") {
  auto const cluster = connected();
  cluster.exec("drop table if exists lent_to");
  cluster.exec("create table lent_to (a int)");
  cluster.transaction([](Transaction& tx) {
    tx.exec("insert into lent_to values (1)");
    with_pqxx(tx, [](pqxx::connection& connection) {
      pqxx::nontransaction inside(connection);
      CHECK(inside.query_value<int>("select count(*) from lent_to") == 1);
      inside.exec("insert into lent_to values (2)");
    });
    tx.exec("insert into lent_to values (3)");
  });
  CHECK(cluster.query("select count(*) from lent_to").scalar<int>() == 3);
  CHECK_THROWS_AS(cluster.transaction([](Transaction& tx) {
    tx.exec("insert into lent_to values (4)");
    with_pqxx(
        tx, [](pqxx::connection& connection) { pqxx::nontransaction(connection).exec("commit"); });
  }),
                  Error);
  cluster.exec("drop table lent_to");
}

}  // namespace
