#include "dev/binaries.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"
#include "unit/dev/scratch.hpp"

using namespace moonpool;
using namespace moonpool::dev;
using moonpool::test::contains;
using moonpool::test::Scratch;
using moonpool::test::Variable;
namespace fs = std::filesystem;

namespace {

fs::path installation(Scratch const& scratch, std::string const& name, std::string const& version) {
  for (auto const* tool : {"initdb", "pg_basebackup"}) scratch.program(name + "/" + tool, "exit 0");
  scratch.program(name + "/postgres", "echo 'postgres (PostgreSQL) " + version + "'");
  return scratch.path() / name;
}

Error failure_of(std::vector<fs::path> const& candidates, std::optional<int> version = {}) {
  try {
    find_binaries(candidates, version);
  } catch (Error const& error) {
    return error;
  }
  FAIL("binaries were found");
  throw;
}

}  // namespace

TEST_CASE("versions as PostgreSQL writes them") {
  CHECK(parse_version("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)") == 15);
  CHECK(parse_version("postgres (PostgreSQL) 17beta1") == 17);
  CHECK(parse_version("postgres (PostgreSQL) 9.6.24") == 9);
  CHECK(parse_version("postgres (Something) 3") == 0);
  CHECK(parse_version("") == 0);
}

TEST_CASE("the first complete installation is taken") {
  Scratch const scratch;
  auto const incomplete = scratch.path() / "half";
  scratch.program("half/postgres", "echo 'postgres (PostgreSQL) 16.1'");
  auto const first = installation(scratch, "first", "15.8");
  auto const second = installation(scratch, "second", "16.2");
  std::vector<fs::path> const candidates = {scratch.path() / "none", incomplete, first, second};
  auto const found = find_binaries(candidates);
  CHECK(found.folder == first);
  CHECK(found.version == 15);
  CHECK(found.tool("initdb") == first / "initdb");

  CHECK(find_binaries(candidates, 16).folder == second);
  CHECK(missing_tools(incomplete) == std::vector<std::string>{"initdb", "pg_basebackup"});
}

TEST_CASE("what is missing is named, with its cure") {
  Scratch const scratch;
  auto const none = failure_of({scratch.path() / "none"});
  CHECK(none.kind() == ErrorKind::environment);
  CHECK_THAT(none.message(), contains("was not found"));
  CHECK_THAT(none.hint(), contains("nstall"));
  CHECK_THAT(none.hint(), contains("MOONPOOL_PG_BIN"));

  scratch.program("server/postgres", "exit 0");
  scratch.program("server/initdb", "exit 0");
  CHECK_THAT(failure_of({scratch.path() / "server"}).message(), contains("lacks pg_basebackup"));

  auto const old = installation(scratch, "old", "12.3");
  CHECK_THAT(failure_of({old}).message(), contains("older than 13"));
  auto const other = installation(scratch, "other", "16.3");
  auto const wrong = failure_of({other}, 15);
  CHECK_THAT(wrong.message(), contains("PostgreSQL 15 was not found"));
  CHECK_THAT(wrong.message(), contains("is version 16"));
}

TEST_CASE("programs that do not run are passed over") {
  Scratch const scratch;
  auto const broken = installation(scratch, "broken", "15.1");
  scratch.program("broken/postgres", "exit 1");
  auto const whole = installation(scratch, "whole", "15.2");
  CHECK(find_binaries(std::vector{broken, whole}).folder == whole);
  CHECK_THAT(failure_of({broken}).message(), contains("does not run"));
}

TEST_CASE("each system is told in its own words") {
  CHECK_THAT(install_advice("ID=debian\n"), contains("apt-get install postgresql"));
  CHECK_THAT(install_advice("NAME=x\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
             contains("apt-get"));
  CHECK_THAT(install_advice("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
             contains("dnf install"));
  CHECK_THAT(install_advice("ID=alpine\n"), contains("apk add"));
  CHECK_THAT(install_advice("ID=arch\n"), contains("pacman"));
  CHECK_THAT(install_advice("ID=unheard-of\n"), contains("pg_basebackup"));
  CHECK_THAT(install_advice(""), contains("initdb"));
}

TEST_CASE("MOONPOOL_PG_BIN is the only candidate when it is set") {
  Variable const variable("MOONPOOL_PG_BIN", "/opt/pg/bin");
  CHECK(binary_candidates() == std::vector<fs::path>{"/opt/pg/bin"});
}

TEST_CASE("pg_config comes before PATH") {
  Scratch const scratch;
  scratch.program("path/pg_config", "echo /opt/told/by/pg_config");
  Variable const unset("MOONPOOL_PG_BIN", nullptr);
  Variable const path("PATH", ("relative:" + (scratch.path() / "path").string()).c_str());
  auto const candidates = binary_candidates();
  REQUIRE(candidates.size() >= 2);
  CHECK(candidates.front() == "/opt/told/by/pg_config");
  CHECK(candidates.back() == scratch.path() / "path");
}

TEST_CASE("folders of PATH that are closed to us are passed over") {
  Scratch const scratch;
  scratch.program("closed/bin/pg_config", "echo /opt/x");
  ::chmod((scratch.path() / "closed").c_str(), 0);
  Variable const unset("MOONPOOL_PG_BIN", nullptr);
  Variable const path("PATH", (scratch.path() / "closed/bin").c_str());
  CHECK_NOTHROW(binary_candidates());
  CHECK(missing_tools(scratch.path() / "closed/bin").size() == 3);
  ::chmod((scratch.path() / "closed").c_str(), 0700);
}
