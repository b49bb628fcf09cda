#include "observe/fingerprint.hpp"

#include <string>

#include "support/catch.hpp"

namespace moonpool::observe {
namespace {

std::string text(std::string_view sql) { return fingerprint(sql)->text; }
std::string id(std::string_view sql) { return fingerprint(sql)->id; }

TEST_CASE("a statement with other values is the same statement") {
  auto const one = "select id from users where name = 'ann' and age > 31";
  CHECK(text(one) == "select id from users where name = ? and age > ?");
  for (auto const* other :
       {"SELECT id\n  FROM users -- who\n WHERE name = $1 AND age > $2;",
        "select id from users where name = E'o\\'x' and age > -4",
        "select /* a */ id from users where name = $tag$x' y$tag$ and age > 1.5e3",
        "select id from users where name = :name and age > ?"}) {
    INFO(other);
    CHECK(id(other) == id(one));
  }
  CHECK(id("select id from users where name = 'ann' and age < 31") != id(one));
  CHECK(id("select id from \"Users\" where name = 'ann' and age > 31") != id(one));
  CHECK(id(one).size() == 16);
}

TEST_CASE("lists are as long as they are") {
  auto const one = id("select 1 from t where a in (1)");
  CHECK(id("select 1 from t where a in (1, 2, 3)") == one);
  CHECK(id("select 1 from t where a in ($1, $2)") == one);
  CHECK(text("insert into t (a, b) values (1, 'x'), (2, 'y'), (3, 'z')") ==
        "insert into t (a, b) values (?)");
}

TEST_CASE("a sign belongs to its number, an operator does not") {
  CHECK(text("select a - 1, b, -2, (-3), a+4 from t where b = -5") ==
        "select a - ?, b, ?, (?), a + ? from t where b = ?");
  CHECK(text("select \"a\" - 1, f(x) - 2") == "select \"a\" - ?, f (x) - ?");
}

TEST_CASE("no literal is ever left, whatever stands around it") {
  for (auto const* sql :
       {"select 'canary'", "select 'canary", "select $$canary$$", "select $$canary",
        "select E'x\\'canary'", "select U&'canary'", "select -- canary\n 1", "select /* canary",
        "select b'1', 'canary'::text", "insert into t values ('canary'), ('canary')"}) {
    INFO(sql);
    CHECK(text(sql).find("canary") == std::string::npos);
  }
}

TEST_CASE("what a statement does, and whether it may write") {
  struct Case {
    char const* sql;
    char const* operation;
    bool writes;
  };
  for (auto const& [sql, operation, writes] :
       {Case{"select 1", "SELECT", false},
        Case{"(select 1) union (select 2)", "SELECT", false},
        Case{"values (1)", "VALUES", false},
        Case{"insert into t values (1)", "INSERT", true},
        Case{"UPDATE t SET a = 1", "UPDATE", true},
        Case{"delete from t", "DELETE", true},
        Case{"with x as (select 1) select * from x", "SELECT", false},
        Case{"with x as (delete from t returning a) select * from x", "SELECT", true},
        Case{"with x as (select 1) insert into t select * from x", "INSERT", true},
        Case{"with \"insert\" as (select 1) select 2", "SELECT", false},
        Case{"create table t (a int)", "CREATE", true},
        Case{"drop table t", "DROP", true},
        Case{"truncate t", "TRUNCATE", true},
        Case{"grant select on t to x", "GRANT", true},
        Case{"copy t from stdin", "COPY", true},
        Case{"copy t to stdout", "COPY", false},
        Case{"copy (select a from t) to stdout", "COPY", false},
        Case{"select 1 into t", "SELECT", true},
        Case{"explain select 1", "EXPLAIN", false},
        Case{"explain analyze delete from t", "EXPLAIN", true},
        Case{"begin", "BEGIN", false},
        Case{"set x = 1", "SET", false},
        Case{"call p()", "CALL", true},
        Case{"do $$begin end$$", "DO", true},
        Case{"", "", false},
        Case{"-- nothing", "", false}}) {
    INFO(sql);
    auto const print = fingerprint(sql);
    CHECK(print->operation == operation);
    CHECK(print->writes == writes);
  }
}

TEST_CASE("a long statement is cut between characters, and its id is of the whole") {
  std::string const head = "select " + std::string(1200, 'a') + "é";
  CHECK(text(head).size() < 1010);
  CHECK(id(head + "1") != id(head + "2"));
  std::string umlauts = "select \"";
  for (int i = 0; i < 1000; ++i) umlauts += "ü";
  auto const cut = text(umlauts + "\"");
  CHECK(cut.find("ü …") != std::string::npos);
}

}  // namespace
}  // namespace moonpool::observe
