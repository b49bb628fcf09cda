#include <unistd.h>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "script/embedded.hpp"
#include "script/state.hpp"
#include "support/catch.hpp"

namespace moonpool::script {
namespace {

constexpr char kGreeting[] = "return { hello = function(name) return 'hello ' .. name end }";
constexpr char kBroken[] = "local x = = 1";
constexpr char kRaising[] = "return { fail = function() error('from inside') end }";

EmbeddedModule row(char const* name, char const* path, char const* source) {
  return {name, path, reinterpret_cast<unsigned char const*>(source), std::strlen(source)};
}

}  // namespace

// The floor alone has no modules of the real tree: these stand for them.
EmbeddedModule const* embedded_modules() {
  static EmbeddedModule const kModules[] = {
      row("moonpool.broken", "lua/moonpool/broken.lua", kBroken),
      row("moonpool.greeting", "lua/moonpool/greeting.lua", kGreeting),
      row("moonpool.raising", "lua/moonpool/raising.lua", kRaising),
      {nullptr, nullptr, nullptr, 0},
  };
  return kModules;
}

namespace {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("moonpool-loader-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path / "moonpool" / "deep"); }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(char const* name, char const* text) const { std::ofstream(path / name) << text; }
};

std::string failure_of(State& state, std::string const& code) {
  try {
    state.run_string(code);
  } catch (Error const& error) {
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("require finds the modules inside the library") {
  State state;
  auto const results = state.run_string("return require('moonpool.greeting').hello('Ann')");
  REQUIRE(results.at(0).as<std::string>() == "hello Ann");
}

TEST_CASE("package.preload comes first") {
  State state;
  auto const results = state.run_string(
      "package.preload['moonpool.greeting'] = function() return 'mine' end\n"
      "return require 'moonpool.greeting'");
  REQUIRE(results.at(0).as<std::string>() == "mine");
}

TEST_CASE("a missing module lists where it was looked for") {
  State state;
  auto const message = failure_of(state, "require 'moonpool.gone'");
  REQUIRE_THAT(message, test::contains("no module 'moonpool.gone' inside Moonpool"));
  REQUIRE_THAT(message, test::contains("no file"));
}

TEST_CASE("a module that does not compile names its file and line") {
  State state;
  REQUIRE_THAT(failure_of(state, "require 'moonpool.broken'"),
               test::contains("lua/moonpool/broken.lua:1:"));
}

TEST_CASE("errors of modules show their place in the tree") {
  State state;
  REQUIRE_THAT(failure_of(state, "require('moonpool.raising').fail()"),
               test::contains("lua/moonpool/raising.lua:1: from inside"));
}

TEST_CASE("a folder takes the place of the modules inside") {
  Folder folder;
  folder.write("moonpool/greeting.lua", "return 'from the folder'");
  folder.write("moonpool/deep/init.lua", "return 'an init'");
  State state({.lua_folder = folder.path.string()});
  REQUIRE(state.run_string("return require 'moonpool.greeting'").at(0).as<std::string>() ==
          "from the folder");
  REQUIRE(state.run_string("return require 'moonpool.deep'").at(0).as<std::string>() == "an init");
  // What the folder lacks is missing, so that a tree is never mixed with another build's modules.
  auto const message = failure_of(state, "require 'moonpool.raising'");
  REQUIRE_THAT(message, test::contains("moonpool/raising.lua' (MOONPOOL_LUA)"));
}

TEST_CASE("MOONPOOL_LUA names the folder") {
  Folder folder;
  folder.write("moonpool/greeting.lua", "return 'by environment'");
  setenv("MOONPOOL_LUA", folder.path.c_str(), 1);
  State state;
  unsetenv("MOONPOOL_LUA");
  REQUIRE(state.run_string("return require 'moonpool.greeting'").at(0).as<std::string>() ==
          "by environment");
}

}  // namespace moonpool::script
