#include "unit/wire/wire.hpp"

namespace moonpool::wire {
namespace {

std::string count(std::string const& table) { return sql("select count(*) from " + table); }

std::string new_table() {
  auto const table = unique("segments");
  sql("create table " + table + " (a int unique)");
  return table;
}

TEST_CASE("many statements are one round trip, in order") {
  auto const connection = open();
  auto const replies = run(*connection, apart({"select 1", "select 2", "select 3"}));
  REQUIRE(replies.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(value(replies[i]) == std::to_string(i + 1));
  CHECK(connection->round_trips() == 1);
}

TEST_CASE("a failing segment does not hinder the others") {
  auto const connection = open();
  auto const table = new_table();
  auto const insert = "insert into " + table + " values ";
  auto const replies =
      run(*connection, apart({insert + "(1)", insert + "(1)", insert + "(2)", "select 'last'"}));
  REQUIRE(replies.size() == 4);
  CHECK(std::holds_alternative<Result>(replies[0]));
  CHECK(error_in(replies[1]).sqlstate() == "23505");
  CHECK(std::holds_alternative<Result>(replies[2]));
  CHECK(value(replies[3]) == "last");
  CHECK(count(table) == "2");
  CHECK(connection->usable());
}

TEST_CASE("the statements of a segment are one transaction") {
  auto const connection = open();
  auto const table = new_table();
  auto const insert = "insert into " + table + " values ";
  auto replies = run(*connection, together({insert + "(1)", insert + "(2)"}));
  CHECK(std::holds_alternative<Result>(replies[1]));
  CHECK(count(table) == "2");
  replies = run(*connection, together({insert + "(3)", insert + "(1)", insert + "(4)"}));
  CHECK(error_in(replies[1]).sqlstate() == "23505");
  CHECK(error_in(replies[1]).outcome() == Outcome::rejected);
  auto const skipped = error_in(replies[2]);
  CHECK(skipped.kind() == ErrorKind::transaction);
  CHECK(skipped.outcome() == Outcome::rejected);
  CHECK(count(table) == "2");
  CHECK(connection->transaction_state() == TransactionState::idle);
}

TEST_CASE("every statement gets a reply, also those in a failed transaction") {
  auto const connection = open();
  auto const replies =
      run(*connection, apart({"begin", "selec", "select 1", "commit", "select 2"}));
  REQUIRE(replies.size() == 5);
  CHECK(error_in(replies[1]).sqlstate() == "42601");
  CHECK(error_in(replies[2]).sqlstate() == "25P02");
  CHECK(std::get<Result>(replies[3]).tag() == "ROLLBACK");
  CHECK(value(replies[4]) == "2");
}

std::string new_deferred() {
  auto const table = unique("deferred");
  sql("create table " + table + "_to (a int primary key); create table " + table +
      " (a int references " + table + "_to deferrable initially deferred)");
  return table;
}

TEST_CASE("a constraint that fails at the commit fails the whole segment") {
  auto const connection = open();
  auto const table = new_deferred();
  auto const insert = "insert into " + table + " values (1)";
  SECTION("of one statement") {
    auto const error = error_in(run(*connection, apart({insert})).front());
    CHECK(error.sqlstate() == "23503");
    CHECK(error.outcome() == Outcome::rejected);
    CHECK_THAT(error.query(), test::contains("insert"));
  }
  SECTION("of several") {
    auto const replies = run(*connection, together({insert, "select 1"}));
    CHECK(error_in(replies[0]).sqlstate() == "23503");
    CHECK(error_in(replies[1]).sqlstate() == "23503");
  }
  SECTION("and no other") {
    auto const replies = run(*connection, apart({"select 1", insert, "select 2"}));
    CHECK(value(replies[0]) == "1");
    CHECK(error_in(replies[1]).sqlstate() == "23503");
    CHECK(value(replies[2]) == "2");
  }
  CHECK(count(table) == "0");
  CHECK(connection->usable());
  CHECK(value(*connection, "select 3") == "3");
}

TEST_CASE(
    "a commit that fails is told to its own segment when a statement made room in the cache") {
  auto const connection = open("", {.statement_cache = 1});
  auto const table = new_deferred();
  auto const insert = "insert into " + table + " values (1)";
  for (auto const* text : {"select 'a'", "select 'a'"}) value(*connection, text);
  value(*connection, "select 'b'");  // the next request deallocates the first
  auto const replies = run(*connection, apart({insert, "select 2"}));
  CHECK(error_in(replies[0]).sqlstate() == "23503");
  CHECK(value(replies[1]) == "2");
  CHECK(count(table) == "0");
}

TEST_CASE("a lost connection leaves nothing unsaid when a statement made room in the cache") {
  auto const connection = open("", {.statement_cache = 1});
  for (auto const* text : {"select 'a'", "select 'a'"}) value(*connection, text);
  value(*connection, "select 'b'");
  auto const replies =
      run(*connection, together({"select 1", "select pg_terminate_backend(pg_backend_pid())"}));
  for (auto const& reply : replies) {
    CHECK(error_in(reply).outcome() == Outcome::unknown);
    CHECK(error_in(reply).kind() != ErrorKind::protocol);
  }
}

TEST_CASE("statements alone and requests of several take turns on one connection") {
  auto const connection = open();
  for (int round = 0; round < 3; ++round) {
    CHECK(value(*connection, "select 1") == "1");
    auto const replies = run(*connection, apart({"select 2", "selec", "select 3"}));
    CHECK(value(replies[0]) == "2");
    CHECK(error_in(replies[1]).sqlstate() == "42601");
    CHECK(value(replies[2]) == "3");
    CHECK(error_in(run(*connection, apart({"selec"})).front()).sqlstate() == "42601");
    CHECK(value(run(*connection, together({"select 4", "select 5"}))[1]) == "5");
    connection->ride_ahead("DISCARD ALL");
    CHECK(value(*connection, "select 6") == "6");
  }
  CHECK(connection->usable());
  CHECK(connection->round_trips() == 15);
}

TEST_CASE("statements prepared in one request serve the others of it") {
  auto const connection = open();
  for (int round = 0; round < 4; ++round) {
    auto const replies = run(*connection, apart({"select 7", "select 7", "select 7"}));
    for (auto const& reply : replies) CHECK(value(reply) == "7");
  }
  CHECK(connection->round_trips() == 4);
}

TEST_CASE("a text that cannot be prepared says why, each time it comes in a request") {
  auto const connection = open();
  for (int round = 0; round < 3; ++round) {
    auto const replies = run(*connection, apart({"select nmae", "select 1", "select nmae"}));
    CHECK(error_in(replies[0]).sqlstate() == "42703");
    CHECK(value(replies[1]) == "1");
    CHECK(error_in(replies[2]).sqlstate() == "42703");
  }
}

TEST_CASE("a statement prepared behind an error of its segment is not taken for prepared") {
  auto const connection = open();
  value(*connection, "select 8");
  auto const replies = run(*connection, together({"selec", "select 8"}));
  CHECK(error_in(replies[0]).sqlstate() == "42601");
  for (int i = 0; i < 3; ++i) CHECK(value(*connection, "select 8") == "8");
}

// Both sides have more to send than their sockets take: whoever only writes, or only reads, stands still.
TEST_CASE("large parameters and large results at once") {
  auto const connection = open();
  std::string const big(1'000'000, 'p');
  Request request;
  for (int i = 0; i < 40; ++i) {
    request.push_back(
        statement("select $1::text || repeat('r', 1000000), " + std::to_string(i), {big}));
  }
  auto const replies = run(*connection, std::move(request), Deadline::in(60s));
  REQUIRE(replies.size() == 40);
  for (std::size_t i = 0; i < 40; ++i) {
    auto const* result = std::get_if<Result>(&replies[i]);
    REQUIRE(result != nullptr);
    CHECK(result->value(0, 0)->size() == 2'000'000);
    CHECK(result->value(0, 1) == std::to_string(i));
  }
  CHECK(connection->round_trips() == 1);
}

TEST_CASE("ten thousand statements in one request") {
  auto const connection = open();
  auto const table = unique("segments");
  sql("create table " + table + " (a int)");
  Request request;
  for (int i = 0; i < 10'000; ++i)
    request.push_back(statement("insert into " + table + " values ($1)", {std::to_string(i)}));
  auto const replies = run(*connection, std::move(request), Deadline::in(60s));
  REQUIRE(replies.size() == 10'000);
  std::size_t failed = 0;
  for (auto const& reply : replies) failed += std::holds_alternative<Error>(reply) ? 1 : 0;
  CHECK(failed == 0);
  CHECK(sql("select count(distinct a) from " + table) == "10000");
}

}  // namespace
}  // namespace moonpool::wire
