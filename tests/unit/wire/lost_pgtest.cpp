#include "proxy/proxy.hpp"
#include "unit/wire/wire.hpp"

namespace moonpool::wire {
namespace {

using test::Act;
using test::Proxy;
using test::Side;

TEST_CASE("a session that the server ends leaves its statement in doubt") {
  auto const connection = open();
  auto const error = error_in(
      run(*connection, {statement("select pg_terminate_backend(pg_backend_pid())")}).front());
  CHECK(error.outcome() == Outcome::unknown);
  CHECK(error.sqlstate() == "57P01");
  CHECK(error.poisons_connection());
  CHECK_FALSE(error.retryable());
  CHECK_FALSE(connection->is_open());
}

TEST_CASE("a backend that crashes leaves its statement in doubt") {
  auto const connection = open();
  async::Stepper<std::vector<Reply>> stepper(
      connection->run({statement("select pg_sleep(20)")}, soon()));
  REQUIRE_FALSE(stepper.step());
  primary().kill_process(connection->backend_pid());
  while (!stepper.step(async::wait_blocking(stepper.wait()))) {
  }
  auto const error = error_in(stepper.take().front());
  CHECK(error.outcome() == Outcome::unknown);
  CHECK(error.poisons_connection());
  CHECK_FALSE(connection->is_open());
  CHECK(eventually([] {
    try {
      return sql("select 1") == "1";
    } catch (Error const&) {
      return false;
    }
  }));
}

TEST_CASE("segments that were answered stand, whatever comes behind them") {
  auto const connection = open();
  auto const table = unique("lost");
  sql("create table " + table + " (a int)");
  auto const insert = "insert into " + table + " values (1)";
  auto const replies =
      run(*connection, apart({insert, "select 1/0", insert,
                              "select pg_terminate_backend(pg_backend_pid())", insert}));
  REQUIRE(replies.size() == 5);
  CHECK(std::holds_alternative<Result>(replies[0]));
  CHECK(error_in(replies[1]).outcome() == Outcome::rejected);
  CHECK(std::holds_alternative<Result>(replies[2]));
  CHECK(error_in(replies[3]).outcome() == Outcome::unknown);
  CHECK(error_in(replies[4]).outcome() == Outcome::unknown);
  CHECK(sql("select count(*) from " + table) == "2");
}

TEST_CASE("an answer that is lost out of the middle makes nobody take another one for it") {
  Proxy proxy(test::socket_of(primary()));
  auto const table = unique("lost");
  sql("create table " + table + " (a int)");
  for (auto const type : {'Z', 'C'}) {
    auto const connection = open(proxy.conninfo());
    connection->ask_behind("select 'behind'");
    auto const rule = proxy.add({.side = Side::backend, .type = type, .act = Act::swallow});
    auto const error =
        error_in(wait(connection->run({statement("insert into " + table + " values (1)")},
                                      Deadline::in(std::chrono::milliseconds(500))))
                     .front());
    INFO(type);
    CHECK(proxy.hits(rule) == 1);
    CHECK(error.outcome() == Outcome::unknown);
    CHECK_FALSE(connection->usable());
    proxy.clear();
  }
  CHECK(sql("select count(*) from " + table) == "2");
}

TEST_CASE("an answer cut off before its Sync was answered is no answer") {
  Proxy proxy(test::socket_of(primary()));
  for (auto const type : {'1', '2', 'T', 'D', 'C', 'Z'}) {
    auto const connection = open(proxy.conninfo());
    auto const rule = proxy.add({.side = Side::backend, .type = type, .act = Act::cut_before});
    auto const error = error_in(run(*connection, {statement("select 1")}).front());
    INFO(type);
    CHECK(proxy.hits(rule) == 1);
    CHECK(error.kind() == ErrorKind::connection);
    CHECK(error.outcome() == Outcome::unknown);
    CHECK_FALSE(connection->is_open());
    proxy.clear();
  }
}

TEST_CASE("what makes no sense is an error of the connection, and in doubt") {
  Proxy proxy(test::socket_of(primary()));
  for (auto const& garbage :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("Z\0\0\0\0", 5),
        std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), std::string("D\0\0\0\x06\0\x07", 7),
        std::string("T\x7F\xFF\xFF\xFF", 5)}) {
    auto const connection = open(proxy.conninfo());
    proxy.add({.side = Side::backend, .type = 'C', .act = Act::replace, .payload = garbage});
    auto const error =
        error_in(run(*connection, {statement("select 1")}, Deadline::in(500ms)).front());
    INFO(error.describe());
    CHECK(error.outcome() == Outcome::unknown);
    CHECK((error.kind() == ErrorKind::connection || error.kind() == ErrorKind::protocol ||
           error.kind() == ErrorKind::timeout));
    CHECK_FALSE(connection->usable());
    proxy.clear();
    proxy.cut_all();
  }
}

TEST_CASE("notices, notifications and reports between any two messages change nothing") {
  Proxy proxy(test::socket_of(primary()));
  auto const connection = open(proxy.conninfo());
  proxy.add({.side = Side::backend,
             .nth = 0,
             .act = Act::put_before,
             .payload = test::notice_message("in between") +
                        test::parameter_status("TimeZone", "UTC") +
                        test::notification(1, "somewhere", "something")});
  auto const replies = run(*connection, apart({"select 1", "select 1/0", "select 3"}));
  CHECK(value(replies[0]) == "1");
  CHECK(error_in(replies[1]).sqlstate() == "22012");
  CHECK(value(replies[2]) == "3");
  CHECK_FALSE(connection->notices().empty());
}

TEST_CASE("byte by byte the same answers come") {
  Proxy proxy(test::socket_of(primary()));
  proxy.slice(true);
  auto const connection = open(proxy.conninfo());
  auto const replies =
      run(*connection, apart({"select generate_series(1, 20)", "select 1/0", "select 'ä🌙'"}));
  CHECK(std::get<Result>(replies[0]).rows() == 20);
  CHECK(error_in(replies[1]).sqlstate() == "22012");
  CHECK(value(replies[2]) == "ä🌙");
  CHECK(value(*connection, "select 4") == "4");
}

}  // namespace
}  // namespace moonpool::wire
