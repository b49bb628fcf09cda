#include "dev/places.hpp"

#include <sys/stat.h>
#include <unistd.h>

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

Account self() { return {::geteuid(), ::getegid(), "self"}; }
Account somebody_else() { return {54321, 54321, "somebody"}; }

mode_t mode_of(fs::path const& path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

}  // namespace

TEST_CASE("places follow XDG") {
  Variable const home("HOME", "/home/ada");
  {
    Variable const data("XDG_DATA_HOME", nullptr);
    Variable const temporary("TMPDIR", nullptr);
    CHECK(Places::here().data == "/home/ada/.local/share");
    CHECK(Places::here().temporary == "/tmp");
  }
  Variable const data("XDG_DATA_HOME", "/data");
  Variable const temporary("TMPDIR", "relative/is/ignored");
  CHECK(Places::here().data == "/data");
  CHECK(Places::here().temporary == "/tmp");
}

TEST_CASE("a kept cluster lies in the data folder, by its name") {
  Places const places{"/data", "/tmp", ::geteuid()};
  CHECK(kept_folder(places, "main", self()) == "/data/moonpool/dev/main");
  for (auto const* bad :
       {"", "..", "a/b", "-x", "a b", "\xc3\xa9", "0123456789012345678901234567890123"}) {
    CHECK_THROWS_AS(kept_folder(places, bad, self()), Error);
  }
  CHECK_THROWS_AS(kept_folder(Places{"", "/tmp", ::geteuid()}, "main", self()), Error);
}

TEST_CASE("a folder that the servers' account cannot reach is not used") {
  Scratch const scratch;
  auto const closed = scratch.path() / "closed";
  fs::create_directory(closed);
  ::chmod(scratch.path().c_str(), 0755);
  ::chmod(closed.c_str(), 0700);
  CHECK(can_reach(self(), closed / "new"));
  CHECK_FALSE(can_reach(somebody_else(), closed / "new"));
  CHECK(kept_folder({closed, "/tmp", 0}, "main", somebody_else()) == "/var/lib/moonpool/dev/main");
  CHECK(passing_folder({"/data", closed, 0}, somebody_else()) == "/tmp/moonpool-0");

  ::chmod(closed.c_str(), 0711);
  CHECK(can_reach(somebody_else(), closed / "new"));
  CHECK(kept_folder({closed, "/tmp", 0}, "main", somebody_else()) == closed / "moonpool/dev/main");
  CHECK(passing_folder({"/data", closed, 0}, somebody_else()) == closed / "moonpool-0");

  scratch.write("closed/file", "");
  CHECK_FALSE(can_reach(somebody_else(), closed / "file"));
}

TEST_CASE("sockets have short paths") {
  Places const places{"/data", "/tmp", 7};
  CHECK(socket_folder(places, "/data/moonpool/dev/main") == "/data/moonpool/dev/main/s");
  auto const deep = fs::path("/" + std::string(100, 'd'));
  auto const folder = socket_folder(places, deep / "one");
  CHECK(folder.parent_path() == "/tmp/moonpool-7");
  CHECK(folder != socket_folder(places, deep / "two"));
  CHECK(folder == socket_folder(places, deep / "one"));

  auto const deep_temporary = Places{"/data", deep, 7};
  CHECK(passing_folder(deep_temporary, self()) == "/tmp/moonpool-7");
  // The longest that passes: the address holds 107 bytes, ".s.PGSQL.65535" and the cluster's folder
  // among them.
  auto const base =
      std::string(107 - std::string("/moonpool-7/0123456789abcdef/s/.s.PGSQL.65535").size(), 'x');
  auto const fits = fs::path("/" + base.substr(1));
  CHECK(passing_folder({"/data", fits, 7}, self()) == fits / "moonpool-7");
  CHECK(passing_folder({"/data", fs::path(fits.string() + "x"), 7}, self()) == "/tmp/moonpool-7");
}

TEST_CASE("private folders are closed, whatever the umask") {
  Scratch const scratch;
  ::chmod(scratch.path().c_str(), 0755);
  auto const before = ::umask(0077);
  make_private_folder(scratch.path() / "a/b/own", self());
  make_private_folder(scratch.path() / "c/d/shared", somebody_else());
  ::umask(before);
  CHECK(mode_of(scratch.path() / "a/b/own") == 0700);
  CHECK(mode_of(scratch.path() / "c/d/shared") == 0711);
  CHECK(can_reach(somebody_else(), scratch.path() / "c/d/shared"));
  CHECK_FALSE(can_reach(somebody_else(), scratch.path() / "a/b/own"));
  make_private_folder(scratch.path() / "a/b/own", self());  // a second time: fine
}

TEST_CASE("what others could write to is refused") {
  Scratch const scratch;
  auto const open = scratch.path() / "open";
  fs::create_directory(open);
  ::chmod(open.c_str(), 0777);
  CHECK_THROWS_AS(make_private_folder(open, self()), Error);
  fs::create_directory_symlink("/tmp", scratch.path() / "link");
  CHECK_THROWS_AS(make_private_folder(scratch.path() / "link", self()), Error);
  scratch.write("file", "");
  CHECK_THROWS_AS(make_private_folder(scratch.path() / "file", self()), Error);
  if (::geteuid() == 0) {
    auto const foreign = scratch.path() / "foreign";
    fs::create_directory(foreign);
    REQUIRE(::chown(foreign.c_str(), 54321, 54321) == 0);
    CHECK_THROWS_AS(make_private_folder(foreign, self()), Error);
  }
}
