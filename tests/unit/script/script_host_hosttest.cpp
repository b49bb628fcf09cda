#include "moonpool/script_host.hpp"

#include <unistd.h>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/catch.hpp"

namespace {

using moonpool::Cluster;
using moonpool::Error;
using moonpool::ScriptHost;
using moonpool::Value;

Cluster connect() {
  char const* const primary = std::getenv("MOONPOOL_PRIMARY");
  char const* const replica = std::getenv("MOONPOOL_REPLICA");
  REQUIRE(primary != nullptr);
  return Cluster::connect(
      {.primary = primary, .replicas = {replica != nullptr ? replica : primary}});
}

struct File {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("moonpool-host-" + std::to_string(getpid()) + ".lua");
  explicit File(char const* text) { std::ofstream(path) << text; }
  ~File() { std::filesystem::remove(path); }
};

Error failure_of(ScriptHost& lua, std::string const& code) {
  try {
    lua.run_string(code);
  } catch (Error const& error) {
    return error;
  }
  return Error(std::string("nothing failed"));
}

}  // namespace

TEST_CASE("a script reads the host's database and hands rows back") {
  auto const cluster = connect();
  cluster.exec("drop table if exists host_spec");
  cluster.exec("create table host_spec (name text, age int, tags text[], doc jsonb)");
  cluster.exec(
      "insert into host_spec values ('Ann', 31, '{a,null}', '{\"x\": [1, null]}'), ('Bob', null, "
      "'{}', null)");
  File const file(
      "local least = ...\n"
      "return db:query('select * from host_spec where coalesce(age, 99) > ? order by name', "
      "threshold + least)");
  ScriptHost lua{cluster};
  lua.set("threshold", 18);
  auto const adults = lua.run_file(file.path.string(), {2});
  REQUIRE(adults.size() == 2);
  REQUIRE(adults[0]["name"].as<std::string>() == "Ann");
  REQUIRE(adults[0]["age"].as<int>() == 31);
  REQUIRE(adults[0]["tags"][0].as<std::string_view>() == "a");
  REQUIRE(adults[0]["tags"][1].is_nil());
  REQUIRE(adults[0]["doc"]["x"][0].as<double>() == 1.0);
  REQUIRE(adults[1]["age"].is_nil());
  int count = 0;
  for (auto const& row : adults) count += row["name"].size() == 3 ? 1 : 0;
  REQUIRE(count == 2);
  // Rows by themselves, and rows inside tables, arrive as maps too.
  REQUIRE(lua.run_string("return db:query_row 'select 1 as a, 2 as b'")["b"].as<int>() == 2);
  auto const nested = lua.run_string(
      "local t = { n = 1 } for r in db:query('select 7 as x'):each() do t.row = r end return t");
  REQUIRE(nested["row"]["x"].as<int>() == 7);
  cluster.exec("drop table host_spec");
}

TEST_CASE("a database error keeps its fields on the way through Lua") {
  ScriptHost lua{connect()};
  auto const error = failure_of(lua, "db:query 'select 1 frm x y'");
  REQUIRE(error.is("syntax_error"));
  REQUIRE(error.sqlstate == "42601");
  REQUIRE(error.kind == "server");
  REQUIRE(error.node == "primary");
  REQUIRE(error.position > 0);
  REQUIRE(lua.run_string("return db:query('select 5'):scalar()").as<int>() == 5);
}

TEST_CASE("a script's own error is told with its place") {
  ScriptHost lua;
  auto const error = failure_of(lua, "local function f() error 'oops' end\nf()");
  REQUIRE(error.is("script"));
  REQUIRE(error.message == "(script):1: oops");
  REQUIRE_THAT(lua.traceback(), moonpool::test::contains("(script):2: in "));
  REQUIRE_THROWS_WITH(lua.run_file("/nowhere/at/all.lua"),
                      moonpool::test::contains("/nowhere/at/all.lua"));
  REQUIRE_THROWS_WITH(lua.run_string("return print"),
                      moonpool::test::contains("a function cannot"));
}

TEST_CASE("values go in and come out as they are") {
  ScriptHost lua;
  Value const deep =
      Value::map({{"a", Value::List{1, 2.5, "x", true}}, {"b", Value::map({{"c", "d"}})}});
  lua.set("deep", deep);
  REQUIRE(lua.get("deep") == deep);
  REQUIRE(lua.run_string("return deep.a[3] .. deep.b.c").as<std::string>() == "xd");
  REQUIRE(lua.run_string("return").is_nil());
  REQUIRE(lua.run_string("return moonpool.null").is_nil());
  REQUIRE(lua.run_string("return 'a\\0b'").as<std::string_view>() == std::string_view("a\0b", 3));
  lua.run_string(
      "reports = { add = function(a, b, ...) return (a or 10) + b, select('#', ...) end }");
  REQUIRE(lua.call("reports.add", nullptr, 2).as<int>() == 12);
  REQUIRE_THROWS_WITH(lua.call("reports.gone"),
                      moonpool::test::contains("no function reports.gone"));
}

TEST_CASE("hosts on one cluster do not see each other's globals") {
  auto const cluster = connect();
  ScriptHost one{cluster};
  ScriptHost two{cluster};
  one.run_string("mine = 1");
  REQUIRE(two.get("mine").is_nil());
  REQUIRE(two.run_string("return db:ping()").as<bool>());
}

TEST_CASE("a host outlives the handle it was made with") {
  std::unique_ptr<ScriptHost> lua;
  {
    auto const cluster = connect();
    lua = std::make_unique<ScriptHost>(cluster);
  }
  REQUIRE(lua->run_string("return db:query('select 6'):scalar()").as<int>() == 6);
}

TEST_CASE("a running script is ended from outside, by time, and by memory") {
  ScriptHost lua;
  std::atomic<bool> done = false;
  std::thread hand([&] {
    while (!done) {
      lua.interrupt();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  auto const error = failure_of(lua, "jit.off(true, true) while true do end");
  done = true;
  hand.join();
  REQUIRE_THAT(error.message, moonpool::test::contains("interrupted"));
  ScriptHost hurried(nullptr, {.time_limit = std::chrono::milliseconds(50)});
  REQUIRE_THAT(failure_of(hurried, "while true do end").message,
               moonpool::test::contains("time limit"));
  ScriptHost small(nullptr, {.memory_limit = 32U << 20});
  REQUIRE_THAT(
      failure_of(small, "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end").message,
      moonpool::test::contains("not enough memory"));
  REQUIRE(small.run_string("return 1").as<int>() == 1);
}
