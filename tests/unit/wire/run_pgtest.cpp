#include <cstdlib>

#include "unit/wire/wire.hpp"

namespace moonpool::wire {
namespace {

TEST_CASE("one statement is one round trip, and gives rows, names, types and a tag") {
  auto const connection = open();
  auto const result =
      one(*connection,
          "select 1 as a, 'x'::text as b, null::int as c union all select 2, '', 3 order by 1");
  CHECK(connection->round_trips() == 1);
  CHECK(result.rows() == 2);
  CHECK(result.columns() == 3);
  CHECK(std::string(result.column_name(1)) == "b");
  CHECK(result.column_type(0) == 23);
  CHECK(result.column_type(1) == 25);
  CHECK(result.value(0, 0) == "1");
  CHECK(result.value(1, 1) == "");
  CHECK(result.value(0, 2) == std::nullopt);
  CHECK(result.value(1, 2) == "3");
  CHECK(result.tag() == "SELECT 2");
  CHECK(result.affected() == 2);
  CHECK(result.memory() > 0);
  CHECK(connection->usable());
}

TEST_CASE("parameters travel beside the statement, NULL as NULL") {
  auto const connection = open();
  auto const hostile = std::string("'; drop table students; -- $1 ? :a \\");
  CHECK(value(*connection, "select $1::text", {hostile}) == hostile);
  CHECK(value(*connection, "select $1::text is null", {"\1NULL"}) == "t");
  CHECK(value(*connection, "select length($1)", {""}) == "0");
  CHECK(value(*connection, "select $2::int - $1::int", {"3", "10"}) == "7");
  Statement typed = statement("select pg_typeof($1)", {"5"});
  typed.params[0].type = 20;
  CHECK(value(run(*connection, {typed}).front()) == "bigint");
}

TEST_CASE("a statement without an answer, and one without a word") {
  auto const connection = open();
  auto const table = unique("run");
  CHECK(one(*connection, "create table " + table + " (a int)").tag() == "CREATE TABLE");
  auto const inserted = one(*connection, "insert into " + table + " values (1), (2)");
  CHECK(inserted.tag() == "INSERT 0 2");
  CHECK(inserted.affected() == 2);
  CHECK(inserted.rows() == 0);
  CHECK(one(*connection, "update " + table + " set a = 3").affected() == 2);
  CHECK(one(*connection, "").rows() == 0);
  CHECK(one(*connection, "-- nothing").rows() == 0);
  CHECK(connection->usable());
}

TEST_CASE("an error of the server carries all it said, and the connection goes on") {
  auto const connection = open();
  auto const table = unique("run");
  one(*connection, "create table " + table + " (a int constraint positive check (a > 0))");
  auto const error =
      error_in(run(*connection, {statement("insert into " + table + " values (-1)")}).front());
  CHECK(error.kind() == ErrorKind::server);
  CHECK(error.sqlstate() == "23514");
  CHECK(error.name() == "check_violation");
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(error.server().severity == "ERROR");
  CHECK(error.server().constraint == "positive");
  CHECK(error.server().table == table);
  CHECK_FALSE(error.server().detail.empty());
  CHECK_THAT(error.query(), test::contains("insert into"));
  auto const typo = error_in(run(*connection, {statement("selec 1")}).front());
  CHECK(typo.sqlstate() == "42601");
  CHECK(typo.server().position == 1);
  CHECK_THAT(typo.describe(), test::contains("LINE 1: selec 1"));
  CHECK(connection->usable());
  CHECK(connection->transaction_state() == TransactionState::idle);
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("a position counts characters, behind parameters and text beyond ASCII") {
  auto const connection = open();
  auto const error = error_in(run(*connection, {statement("select 'ä🌙', nmae")}).front());
  CHECK(error.server().position == 14);
}

TEST_CASE("notices are kept for the run they came with") {
  auto const connection = open();
  one(*connection, "do $$ begin raise notice 'first'; raise warning 'second'; end $$");
  REQUIRE(connection->notices().size() == 2);
  CHECK(connection->notices()[0].severity == "NOTICE");
  CHECK(connection->notices()[0].message == "first");
  CHECK(connection->notices()[1].severity == "WARNING");
  CHECK(connection->notices()[1].sqlstate == "01000");
  one(*connection, "select 1");
  CHECK(connection->notices().empty());
}

TEST_CASE("a flood of notices is cut off, not kept") {
  auto const connection = open();
  one(*connection, "do $$ begin for i in 1..5000 loop raise notice '%', i; end loop; end $$");
  CHECK(connection->notices().size() == 100);
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("what cannot be sent is refused before anything is sent") {
  auto const connection = open();
  auto refusal = [&](Statement wrong) {
    return error_of([&] { run(*connection, {statement("select 1"), std::move(wrong)}); });
  };
  for (auto const& wrong :
       {statement(std::string("select 1\0", 9)), statement("select $1::text", {"\xFF"}),
        statement("copy t from stdin"), statement("copy (select 1) to stdout"),
        statement("select 1", std::vector<std::string>(65'536, "1"))}) {
    auto const error = refusal(wrong);
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(error.outcome() == Outcome::not_sent);
  }
  CHECK(connection->round_trips() == 0);
  CHECK(connection->usable());
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("65,535 parameters arrive") {
  auto const connection = open();
  std::string text = "select cardinality(array[";
  for (int i = 1; i <= 65'535; ++i) text += (i == 1 ? "$" : ",$") + std::to_string(i);
  CHECK(value(*connection, text + "]::text[])", std::vector<std::string>(65'535, "x")) == "65535");
}

TEST_CASE("a parameter and a value of many megabytes") {
  auto const connection = open();
  std::string const big(20'000'000, 'b');
  auto const result = one(*connection, "select $1::text", {big});
  CHECK(result.value(0, 0) == big);
}

TEST_CASE("commands whose effect outlives them are noticed by their tag") {
  auto const connection = open();
  for (auto const* text :
       {"set work_mem = '1MB'", "reset work_mem", "listen wire", "prepare p as select 1",
        "create temp table wire_temp (a int)", "do $$ begin end $$",
        "select 1 as a into temp wire_into", "create temp view wire_view as select 1",
        "create temp sequence wire_sequence", "begin"}) {
    connection->session_restored();
    one(*connection, text);
    INFO(text);
    CHECK(connection->session_changed() == (std::string(text) != "begin"));
  }
  one(*connection, "rollback");
  one(*connection, "discard all");
  CHECK_FALSE(connection->session_changed());
}

TEST_CASE("reading and writing leave nothing to restore") {
  auto const connection = open();
  sql("create table if not exists wire_rows (a int)");
  for (auto const* text : {"select 1", "insert into wire_rows values (1)",
                           "update wire_rows set a = 1", "begin", "commit"}) {
    one(*connection, text);
  }
  CHECK_FALSE(connection->session_changed());
}

TEST_CASE("a statement that comes again is prepared, and gives the same") {
  auto const connection = open();
  for (int i = 1; i <= 4; ++i)
    CHECK(value(*connection, "select $1::int * 2", {std::to_string(i)}) == std::to_string(2 * i));
  CHECK(value(*connection,
              "select count(*) from pg_prepared_statements where statement like '%* 2'") == "1");
  CHECK(connection->round_trips() == 5);
  auto const error = error_in(run(*connection, {statement("select $1::int * 2", {"x"})}).front());
  CHECK(error.sqlstate() == "22P02");
  CHECK(value(*connection, "select $1::int * 2", {"5"}) == "10");
}

TEST_CASE("a prepared statement whose plan no longer fits is prepared anew, unseen") {
  auto const connection = open();
  auto const table = unique("run");
  sql("create table " + table + " (a int)");
  auto const text = "select * from " + table;
  for (int i = 0; i < 3; ++i) CHECK(one(*connection, text).columns() == 1);
  sql("alter table " + table + " add b int");
  CHECK(one(*connection, text).columns() == 2);
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("a prepared statement that somebody deallocated is prepared anew, unseen") {
  auto const connection = open();
  for (int i = 0; i < 3; ++i) value(*connection, "select 'again'");
  one(*connection, "deallocate all");
  for (int i = 0; i < 3; ++i) CHECK(value(*connection, "select 'again'") == "again");
  for (int i = 0; i < 3; ++i) value(*connection, "select 'again'");
  wait(connection->run_script("discard all", soon()));
  for (int i = 0; i < 3; ++i) CHECK(value(*connection, "select 'again'") == "again");
}

}  // namespace
}  // namespace moonpool::wire
