#include "script/state.hpp"

#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool::script {
namespace {

Error failure_of(State& state, std::string const& code) {
  try {
    state.run_string(code);
  } catch (Error const& error) {
    return error;
  }
  return Error(ErrorKind::internal, "nothing failed");
}

struct File {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("moonpool-state-" + std::to_string(getpid()) + ".lua");
  explicit File(char const* text) { std::ofstream(path) << text; }
  ~File() { std::filesystem::remove(path); }
};

struct Alive {
  int& count;
  explicit Alive(int& counter) : count(counter) { ++count; }
  ~Alive() { --count; }
};

}  // namespace

TEST_CASE("results come back in order and by type") {
  State state;
  auto const r = state.run_string("return 1, 2.5, 'text', true, nil, {1, 2}, {a = 'x'}");
  REQUIRE(r.size() == 7);
  REQUIRE(r[0].type() == Value::Type::integer);
  REQUIRE(r[0].as<int>() == 1);
  REQUIRE(r[1].as<double>() == 2.5);
  REQUIRE(r[2].as<std::string>() == "text");
  REQUIRE(r[3].as<bool>());
  REQUIRE(r[4].is_nil());
  REQUIRE(r[5].size() == 2);
  REQUIRE(r[5][1].as<int>() == 2);
  REQUIRE(r[6]["a"].as<std::string>() == "x");
}

TEST_CASE("globals go in and out") {
  State state;
  state.set("threshold", 18);
  state.set("names", Value::List{"Ann", "Bob"});
  state.set("deep", Value::map({{"list", Value::List{1, Value::map({{"x", true}})}}}));
  REQUIRE(state.run_string("return threshold + 1").at(0).as<int>() == 19);
  REQUIRE(state.run_string("return names[2]").at(0).as<std::string>() == "Bob");
  REQUIRE(state.run_string("return deep.list[2].x").at(0).as<bool>());
  state.run_string("answer = { 'a', 'b' }");
  REQUIRE(state.get("answer") == Value(Value::List{"a", "b"}));
  REQUIRE(state.get("never_set").is_nil());
}

TEST_CASE("a file sees its arguments and its own name, and may begin with a hash bang") {
  File const file("#!/usr/bin/env moonpool\nreturn arg[0], arg[1], select('#', ...), (...)\n");
  State state;
  std::vector<std::string> const args{"one", "two"};
  auto const r = state.run_file(file.path.string(), args);
  REQUIRE(r.at(0).as<std::string>() == file.path.string());
  REQUIRE(r.at(1).as<std::string>() == "one");
  REQUIRE(r.at(2).as<int>() == 2);
  REQUIRE(r.at(3).as<std::string>() == "one");
}

TEST_CASE("a missing file is an error that names it") {
  State state;
  REQUIRE_THROWS_WITH(state.run_file("/nowhere/at/all.lua"), test::contains("/nowhere/at/all.lua"));
}

TEST_CASE("a script's error has its place, and the traceback its callers") {
  State state;
  auto const error = failure_of(state, "local function inner() error('oops') end\ninner()");
  REQUIRE(error.kind() == ErrorKind::script);
  REQUIRE(error.message() == "(script):1: oops");
  REQUIRE_THAT(state.traceback(), test::contains("(script):2: in main chunk"));
  REQUIRE(state.run_string("return 1").at(0).as<int>() == 1);
  REQUIRE(state.traceback().empty());
}

TEST_CASE("a syntax error names the line") {
  State state;
  REQUIRE_THAT(failure_of(state, "local x = \nlocal").message(), test::contains("(script):2:"));
}

TEST_CASE("an error that is an object is told by its tostring") {
  State state;
  auto const error = failure_of(
      state, "error(setmetatable({}, { __tostring = function() return 'told by itself' end }))");
  REQUIRE(error.message() == "told by itself");
  // An object that cannot even do that does no harm.
  auto const worse =
      failure_of(state, "error(setmetatable({}, { __tostring = function() error('no') end }))");
  REQUIRE(worse.message() == "an error that is a table");
  REQUIRE(failure_of(state, "error()").message() == "nil");
}

TEST_CASE("an error object of the modules keeps its kind and its fields") {
  State state;
  auto const server =
      failure_of(state,
                 "error({ family = 'server', kind = 'unique_violation', message = 'twice', "
                 "sqlstate = '23505', constraint = 'users_email_key', detail = 'Key', "
                 "outcome = 'rejected', phase = 'wait', node = 'primary', position = 7 })");
  REQUIRE(server.kind() == ErrorKind::server);
  REQUIRE(server.name() == "unique_violation");
  REQUIRE(server.server().constraint == "users_email_key");
  REQUIRE(server.server().position == 7);
  REQUIRE(server.outcome() == Outcome::rejected);
  REQUIRE(server.node() == "primary");
  auto const client = failure_of(
      state,
      "error({ family = 'no_primary', kind = 'no_primary', message = 'none', hint = 'wait' })");
  REQUIRE(client.kind() == ErrorKind::no_primary);
  auto const tried =
      failure_of(state,
                 "local e = { family = 'retry_exhausted', kind = 'x', message = 'gave up' } "
                 "e.causes = { { family = 'connection', kind = 'connection', message = 'refused' "
                 "}, e, 7 } error(e)");
  REQUIRE(tried.causes().size() == 2);
  REQUIRE(tried.causes().front().kind() == ErrorKind::connection);
  REQUIRE(client.hint() == "wait");
}

TEST_CASE("a Lua error skips no destructor of the host") {
  State state;
  int alive = 0;
  try {
    Alive const outer(alive);
    state.run_string("error('x')");
  } catch (Error const&) {
    REQUIRE(alive == 0);
  }
  REQUIRE(alive == 0);
}

TEST_CASE("what no host can hold is refused") {
  State state;
  REQUIRE_THROWS_WITH(state.run_string("return print"), test::contains("a function cannot"));
  REQUIRE_THROWS_WITH(state.run_string("return io.stdout"), test::contains("a userdata cannot"));
  REQUIRE_THROWS_WITH(state.run_string("local t = {} t.t = t return t"),
                      test::contains("holds itself"));
  REQUIRE_THROWS_WITH(state.run_string("return { [{}] = 1 }"), test::contains("a table as key"));
  REQUIRE_THROWS_WITH(state.run_string("local t = {} for i = 1, 1000 do t = {t} end return t"),
                      test::contains("this deep"));
  REQUIRE(state.run_string("local t = {} return { t, t }").at(0).size() == 2);
}

TEST_CASE("64-bit integers keep their digits") {
  State state;
  REQUIRE(state.run_string("return 9007199254740993LL").at(0).as<std::int64_t>() ==
          9007199254740993);
  REQUIRE(state.run_string("return -5LL").at(0).as<int>() == -5);
  state.set("big", std::int64_t{9007199254740993});
  REQUIRE(state.run_string("return big").at(0).as<std::string>() == "9007199254740993");
  REQUIRE_THROWS_WITH(state.run_string("return require('ffi').new('int[2]')"),
                      test::contains("C data"));
}

TEST_CASE("objects stay on the Lua side and are called from here") {
  State state;
  auto const counter = state.object_from(
      "local c = { n = 0 } function c:add(by) self.n = self.n + by return self.n end\n"
      "function c.twice(x) return x * 2, 'and more' end\n"
      "function c.read(other) return other.n end return c");
  REQUIRE(counter.send("add", {3}).at(0).as<int>() == 3);
  REQUIRE(counter.send("add", {4}).at(0).as<int>() == 7);
  REQUIRE(counter.call("twice", {21}).size() == 2);
  REQUIRE(counter.call("read", {counter}).at(0).as<int>() == 7);
  state.set("counter", counter);
  REQUIRE(state.run_string("return counter.n").at(0).as<int>() == 7);
  REQUIRE_THROWS_WITH(counter.send("gone"), test::contains("no function 'gone'"));
}

TEST_CASE("a state may be moved while objects of it live") {
  std::optional<State> first(std::in_place);
  State second;
  {
    auto const object = first->object_from("return { f = function() return 8 end }");
    second = std::move(*first);
    first.reset();
    REQUIRE(object.call("f").at(0).as<int>() == 8);
  }
}

TEST_CASE("a running script can be interrupted, and the state used again") {
  State state;
  std::atomic<bool> done = false;
  std::thread hand([&] {
    while (!done) {
      state.interrupt();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  auto const error = failure_of(state, "jit.off(true, true) while true do end");
  done = true;
  hand.join();
  REQUIRE_THAT(error.message(), test::contains("interrupted"));
  REQUIRE(state.run_string("return 1").at(0).as<int>() == 1);
}

TEST_CASE("an interrupt without a running script is forgotten") {
  State state;
  state.interrupt();
  REQUIRE(
      state.run_string("local n = 0 for i = 1, 1e6 do n = n + 1 end return n").at(0).as<int>() ==
      1000000);
}

TEST_CASE("the time limit ends a script, also one that catches it") {
  State state({.time_limit = std::chrono::milliseconds(50)});
  auto const began = std::chrono::steady_clock::now();
  auto const error = failure_of(state, "while true do pcall(function() while true do end end) end");
  REQUIRE_THAT(error.message(), test::contains("time limit of 50 ms"));
  REQUIRE(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  REQUIRE(state.run_string("return 1").at(0).as<int>() == 1);
}

TEST_CASE("the memory limit is an ordinary error, and the state used again") {
  State state({.memory_limit = std::size_t{8} << 20});
  auto const error =
      failure_of(state, "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e5) .. i end");
  REQUIRE_THAT(error.message(), test::contains("not enough memory"));
  REQUIRE(state.run_string("return 1").at(0).as<int>() == 1);
}

TEST_CASE("a level that this build lacks is refused, not ignored") {
  REQUIRE_THROWS_WITH(State({.level = Level::sandboxed}), test::contains("sandboxed"));
}

}  // namespace moonpool::script
