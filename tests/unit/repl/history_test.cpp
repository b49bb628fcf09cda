#include "history.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>

#include "support/catch.hpp"

namespace moonpool::repl {
namespace {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("moonpool-history-" + std::to_string(getpid()));
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

unsigned mode_of(std::filesystem::path const& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 ? found.st_mode & 0777U : 0U;
}

}  // namespace

TEST_CASE("entries come back whole and in order, several lines among them") {
  Folder const folder;
  History const history(folder.path / "state" / "history");
  REQUIRE(history.load().empty());
  history.add("select 1");
  history.add("select a,\n\tb\nfrom t");
  history.add("\\d t");
  history.add("");
  REQUIRE(history.load() ==
          std::vector<std::string>{"select 1", "select a,\n\tb\nfrom t", "\\d t"});
}

TEST_CASE("the history is for its owner's eyes only") {
  Folder const folder;
  auto const file = folder.path / "history";
  History(file).add("select 1");
  REQUIRE(mode_of(file) == 0600);
  REQUIRE(mode_of(folder.path) == 0700);
  chmod(file.c_str(), 0644);
  History(file).add("select 2");
  REQUIRE(mode_of(file) == 0600);
}

TEST_CASE("a history that grew long is cut, and its newest entries stay") {
  Folder const folder;
  auto const file = folder.path / "history";
  History const history(file);
  history.add("first");
  {
    std::ofstream more(file, std::ios::app);
    for (std::size_t i = 0; i < 2 * History::kMost; ++i) more << "entry " << i << "\n\tand more\n";
  }
  auto const loaded = history.load();
  REQUIRE(loaded.size() == History::kMost);
  REQUIRE(loaded.back() == "entry 9999\nand more");
  REQUIRE(mode_of(file) == 0600);
  REQUIRE(history.load() == loaded);
  REQUIRE(std::filesystem::file_size(file) < 200000);
}

TEST_CASE("where nothing can be written, nothing is kept") {
  History const history("/proc/nowhere/history");
  history.add("select 1");
  REQUIRE(history.load().empty());
  History const none{std::filesystem::path()};
  none.add("select 1");
  REQUIRE(none.load().empty());
}

TEST_CASE("the file lies where XDG says") {
  setenv("XDG_STATE_HOME", "/tmp/state", 1);
  REQUIRE(history_file() == "/tmp/state/moonpool/history");
  setenv("XDG_STATE_HOME", "relative", 1);
  setenv("HOME", "/home/me", 1);
  REQUIRE(history_file() == "/home/me/.local/state/moonpool/history");
  unsetenv("XDG_STATE_HOME");
  unsetenv("HOME");
  REQUIRE(history_file().empty());
}

}  // namespace moonpool::repl
