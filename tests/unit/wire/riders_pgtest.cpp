#include "unit/wire/wire.hpp"

namespace moonpool::wire {
namespace {

std::string new_table() {
  auto const table = unique("riders");
  sql("create table " + table + " (a int)");
  return table;
}

TEST_CASE("what rides ahead runs first, in the same round trip") {
  auto const connection = open();
  connection->ride_ahead("set application_name = 'first'");
  connection->ride_ahead("set application_name = 'second'");
  CHECK(value(*connection, "show application_name") == "second");
  CHECK(connection->round_trips() == 1);
  CHECK(value(*connection, "show application_name") == "second");
  CHECK(connection->round_trips() == 2);
}

TEST_CASE("DISCARD ALL rides ahead of any request") {
  auto const table = new_table();
  for (auto const& request : {together({"select 1", "select 2"}), apart({"select 1", "select 2"}),
                              apart({"insert into " + table + " values (1)"}),
                              together({"begin", "select 1", "commit"})}) {
    auto const connection = open();
    one(*connection, "set work_mem = '1234kB'");
    connection->ride_ahead("DISCARD ALL");
    auto const replies = run(*connection, request);
    for (auto const& reply : replies) CHECK(std::holds_alternative<Result>(reply));
    CHECK(connection->round_trips() == 2);
    CHECK(value(*connection, "show work_mem") != "1234kB");
    CHECK(connection->transaction_state() == TransactionState::idle);
  }
  CHECK(sql("select count(*) from " + table) == "1");
}

TEST_CASE("DISCARD ALL does not commit or undo what runs behind it") {
  auto const connection = open();
  auto const table = new_table();
  connection->ride_ahead("DISCARD ALL");
  auto const replies =
      run(*connection, together({"insert into " + table + " values (1)", "select 1/0"}));
  CHECK(error_in(replies[1]).sqlstate() == "22012");
  CHECK(sql("select count(*) from " + table) == "0");
}

TEST_CASE("a rider that is refused keeps its request from running, and ends the connection") {
  auto const table = new_table();
  auto const insert = "insert into " + table + " values (1)";
  for (auto const& request :
       {apart({insert}), together({insert, insert}), together({"begin", insert, "commit"})}) {
    auto const connection = open();
    connection->ride_ahead("select 1/0");
    auto const replies = run(*connection, request);
    REQUIRE(replies.size() == request.size());
    for (auto const& reply : replies) {
      auto const error = error_in(reply);
      CHECK(error.outcome() != Outcome::unknown);
      CHECK_FALSE(error.in_doubt());
    }
    CHECK(error_in(replies.front()).kind() == ErrorKind::connection);
    CHECK(error_in(replies.front()).outcome() == Outcome::not_sent);
    CHECK_FALSE(connection->usable());
    CHECK_FALSE(connection->is_open());
  }
  CHECK(sql("select count(*) from " + table) == "0");
}

TEST_CASE("nothing runs in a session that could not be made ready") {
  auto const table = new_table();
  auto const insert = "insert into " + table + " values (1)";
  auto const connection = open();
  connection->ride_ahead("select 1/0");
  auto const replies = run(*connection, apart({insert, insert, insert}));
  REQUIRE(replies.size() == 3);
  auto const rows = std::stoi(sql("select count(*) from " + table));
  int claimed = 0;
  for (auto const& reply : replies) {
    auto const* error = std::get_if<Error>(&reply);
    claimed += error == nullptr || error->outcome() == Outcome::unknown ? 1 : 0;
  }
  // Whatever did run is not called unsent.
  CHECK(rows <= claimed);
  CHECK_FALSE(connection->usable());
}

TEST_CASE("a script is preceded by what rides") {
  auto const connection = open();
  connection->ride_ahead("set application_name = 'ridden'");
  auto const replies = wait(connection->run_script("show application_name; select 2", soon()));
  REQUIRE(replies.size() == 2);
  CHECK(value(replies[0]) == "ridden");
}

TEST_CASE("a script whose rider is refused does not run") {
  auto const table = new_table();
  auto const connection = open();
  connection->ride_ahead("select 1/0");
  auto const replies = wait(connection->run_script("insert into " + table + " values (1)", soon()));
  CHECK(error_in(replies.front()).outcome() == Outcome::not_sent);
  CHECK_FALSE(connection->usable());
  CHECK(sql("select count(*) from " + table) == "0");
}

TEST_CASE("a request that is refused before it is sent leaves what rides where it was") {
  auto const connection = open();
  connection->ride_ahead("set application_name = 'kept'");
  error_of([&] { run(*connection, {statement("copy t from stdin")}); });
  CHECK(value(*connection, "show application_name") == "kept");
}

}  // namespace
}  // namespace moonpool::wire
