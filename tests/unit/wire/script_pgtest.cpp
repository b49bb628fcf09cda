#include "proxy/proxy.hpp"
#include "support/promptness.hpp"
#include "unit/wire/wire.hpp"

namespace moonpool::wire {
namespace {

std::vector<Reply> script(Connection& connection, std::string text, Deadline deadline = soon()) {
  return wait(connection.run_script(std::move(text), deadline));
}

TEST_CASE("a script gives a reply for each of its statements") {
  auto const connection = open();
  auto const table = unique("script");
  auto const replies =
      script(*connection, "create table " + table + " (a int); insert into " + table +
                              " values (1), (2);; select a from " + table + " order by a; -- end");
  REQUIRE(replies.size() == 3);
  CHECK(std::get<Result>(replies[0]).tag() == "CREATE TABLE");
  CHECK(std::get<Result>(replies[1]).affected() == 2);
  CHECK(std::get<Result>(replies[2]).rows() == 2);
  CHECK(connection->usable());
  CHECK(connection->session_changed());
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("an empty script, and one of comments") {
  auto const connection = open();
  for (auto const* text : {"", ";", "-- nothing"}) {
    script(*connection, text);
    CHECK(connection->usable());
  }
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("an error ends a script and undoes it") {
  auto const connection = open();
  auto const table = unique("script");
  sql("create table " + table + " (a int)");
  auto const replies =
      script(*connection, "insert into " + table + " values (1); select 1/0; insert into " + table +
                              " values (2)");
  REQUIRE(replies.size() == 2);
  CHECK(std::holds_alternative<Result>(replies[0]));
  CHECK(error_in(replies[1]).sqlstate() == "22012");
  CHECK(error_in(replies[1]).outcome() == Outcome::rejected);
  CHECK(sql("select count(*) from " + table) == "0");
  CHECK(connection->usable());
  CHECK(connection->transaction_state() == TransactionState::idle);
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("a script that leaves a transaction open is seen") {
  auto const connection = open();
  script(*connection, "begin; select 1");
  CHECK(connection->usable());
  CHECK(connection->transaction_state() == TransactionState::open);
  script(*connection, "select 1/0");
  CHECK(connection->transaction_state() == TransactionState::failed);
  script(*connection, "rollback");
  CHECK(connection->transaction_state() == TransactionState::idle);
}

TEST_CASE("COPY in a script is refused, and the connection is not kept") {
  for (auto const* text :
       {"select 1; copy (select 1) to stdout", "select 1; copy pg_class from stdin"}) {
    auto const connection = open();
    auto const replies = script(*connection, text);
    CHECK(error_in(replies.back()).kind() == ErrorKind::usage);
    CHECK_FALSE(connection->usable());
  }
  auto const connection = open();
  CHECK(error_of([&] { script(*connection, "copy (select 1) to stdout"); }).kind() ==
        ErrorKind::usage);
  CHECK(connection->usable());
}

TEST_CASE("NUL in a script is refused before anything is sent") {
  auto const connection = open();
  CHECK(error_of([&] { script(*connection, std::string("select 1;\0 select 2", 19)); }).kind() ==
        ErrorKind::usage);
  CHECK(connection->usable());
}

TEST_CASE("a script that takes too long is in doubt, can be cancelled and drained") {
  auto const connection = open();
  auto const table = unique("script");
  sql("create table " + table + " (a int)");
  Stopwatch const watch;
  auto const replies = script(
      *connection, "select 'told'; select pg_sleep(20); insert into " + table + " values (1)",
      Deadline::in(150ms));
  CHECK(watch.milliseconds() < 150 + test::grace());
  auto const error = error_in(replies.back());
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(error.outcome() == Outcome::unknown);
  CHECK(connection->is_open());
  CHECK_FALSE(connection->usable());
  REQUIRE(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
  CHECK(connection->usable());
  CHECK(connection->session_changed());
  CHECK(sql("select count(*) from " + table) == "0");
  CHECK(value(*connection, "select 6") == "6");
}

TEST_CASE("a script destroyed mid-flight is drained") {
  auto const connection = open();
  {
    async::Stepper<std::vector<Reply>> stepper(
        connection->run_script("select 1; select pg_sleep(20), 'script_destroyed'", soon()));
    REQUIRE_FALSE(stepper.step());
    REQUIRE(runs("script_destroyed"));
  }
  CHECK_FALSE(connection->usable());
  REQUIRE(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
  CHECK(value(*connection, "select 6") == "6");
}

TEST_CASE("a connection that breaks inside a script leaves it in doubt") {
  test::Proxy proxy(test::socket_of(primary()));
  for (auto const type : {'C', 'Z'}) {
    auto const connection = open(proxy.conninfo());
    auto const table = unique("script");
    sql("create table " + table + " (a int)");
    proxy.add({.side = test::Side::backend,
               .type = type,
               .text = "",
               .nth = 1,
               .act = test::Act::cut_before});
    auto const replies = script(*connection, "insert into " + table + " values (1)");
    auto const error = error_in(replies.back());
    CHECK(error.kind() == ErrorKind::connection);
    CHECK(error.outcome() == Outcome::unknown);
    CHECK_FALSE(connection->is_open());
    proxy.clear();
  }
}

TEST_CASE("the server's end of a session ends a script") {
  auto const connection = open();
  auto const replies =
      script(*connection, "select 1; select pg_terminate_backend(pg_backend_pid()); select 2");
  auto const error = error_in(replies.back());
  CHECK(error.outcome() == Outcome::unknown);
  CHECK_FALSE(connection->usable());
}

}  // namespace
}  // namespace moonpool::wire
