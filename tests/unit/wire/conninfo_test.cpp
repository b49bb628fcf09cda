#include "wire/conninfo.hpp"

#include <rapidcheck.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool::wire {
namespace {

// libpq's environment, set for one case.
class Environment {
 public:
  Environment(char const* name, char const* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }
  Environment(Environment const&) = delete;
  Environment& operator=(Environment const&) = delete;

 private:
  char const* name_;
};

TEST_CASE("both spellings of a connection string are read") {
  for (auto const* text : {"postgresql://u:p%40ss@db:5433/d?application_name=a%20b&sslmode=require",
                           "host=db port=5433 dbname=d user=u password='p@ss' application_name='a "
                           "b' sslmode=require"}) {
    auto const info = Conninfo::parse(text);
    CHECK(info.get("host") == "db");
    CHECK(info.get("port") == "5433");
    CHECK(info.get("dbname") == "d");
    CHECK(info.get("user") == "u");
    CHECK(info.get("application_name") == "a b");
    CHECK(info.get("sslmode") == "require");
    CHECK(info.display() == "u@db:5433/d");
    CHECK(info.address() == "db:5433");
    CHECK(info.has("sslmode"));
    CHECK_FALSE(info.has("sslrootcert"));
  }
}

TEST_CASE("a password is given to nobody but libpq") {
  for (auto const* text : {"postgresql://u:CANARY@db/d", "postgresql://u@db/d?password=CANARY",
                           "postgresql://u@db/d?pass%77ord=CANARY", "host=db password=CANARY",
                           "host=db password = 'CANARY'", "host=db password=x password=CANARY",
                           "host=db sslpassword=CANARY"}) {
    auto const info = Conninfo::parse(text);
    INFO(text);
    CHECK(info.get("password").empty());
    CHECK(info.get("sslpassword").empty());
    CHECK(info.display().find("CANARY") == std::string::npos);
    CHECK_THAT(info.reveal().reveal(), moonpool::test::contains("CANARY"));
    CHECK(info.redactor().clean("said CANARY aloud") == "said *** aloud");
  }
}

TEST_CASE("a password from the environment is a secret too") {
  Environment const environment("PGPASSWORD", "CANARY");
  auto const info = Conninfo::parse("host=db");
  CHECK(info.get("password").empty());
  CHECK(info.redactor().clean("said CANARY aloud") == "said *** aloud");
}

TEST_CASE("text that cannot be read is refused without a word of it") {
  for (auto const* text :
       {"host=db password=CANARY oops", "postgresql://u:CANARY@db:port/d?x", "host='CANARY",
        "CANARY", "postgresql://u:CAN%ZZARY@db/d", "postgresql://[CANARY/d", "nonsense=CANARY"}) {
    INFO(text);
    try {
      Conninfo::parse(text);
      FAIL_CHECK("was read");
    } catch (Error const& error) {
      CHECK(error.kind() == ErrorKind::config);
      CHECK(error.describe().find("CANARY") == std::string::npos);
      CHECK(error.describe().find("ZZARY") == std::string::npos);
    }
  }
}

TEST_CASE("what is not set comes from libpq's environment and defaults") {
  Environment const host("PGHOST", "from.environment");
  Environment const port("PGPORT", "6543");
  auto const info = Conninfo::parse("dbname=d user=u");
  CHECK(info.get("host") == "from.environment");
  CHECK(info.get("port") == "6543");
  CHECK_FALSE(info.has("host"));
  CHECK(info.display() == "u@from.environment:6543/d");
}

TEST_CASE("the database is the user's where none is named") {
  CHECK(Conninfo::parse("host=db user=u").display() == "u@db:5432/u");
}

TEST_CASE("setting replaces, set_default does not") {
  auto info = Conninfo::parse("host=db");
  info.set("host", "other").set_default("host", "third").set_default("port", "1");
  CHECK(info.get("host") == "other");
  CHECK(info.get("port") == "1");
  info.set("password", "CANARY");
  CHECK(info.get("password").empty());
  CHECK(info.redactor().clean("CANARY") == "***");
}

TEST_CASE("several hosts are taken apart, with their ports and addresses") {
  auto addresses = [](char const* text) {
    std::vector<std::string> out;
    for (auto const& one : Conninfo::parse(text).each_host()) {
      out.push_back(one.get("host") + "|" + one.get("hostaddr") + "|" + one.get("port"));
    }
    return out;
  };
  using Names = std::vector<std::string>;
  CHECK(addresses("host=a") == Names{"a||5432"});
  CHECK(addresses("host=a,b port=1,2") == Names{"a||1", "b||2"});
  CHECK(addresses("host=a,b port=7") == Names{"a||7", "b||7"});
  CHECK(addresses("host=a,b") == Names{"a||5432", "b||5432"});
  CHECK(addresses("postgresql://a:1,b:2/d") == Names{"a||1", "b||2"});
  CHECK(addresses("host=a,b hostaddr=10.0.0.1,10.0.0.2") ==
        Names{"a|10.0.0.1|5432", "b|10.0.0.2|5432"});
  CHECK(addresses("host=a,b hostaddr=10.0.0.1,") == Names{"a|10.0.0.1|5432", "b||5432"});
  CHECK(addresses("hostaddr=10.0.0.1,10.0.0.2 port=1,2").size() == 2);
}

TEST_CASE("what reveal() writes, libpq reads back") {
  CHECK(rc::check("any values", [] {
    auto const text = rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::inRange('\1', '\x7F'), rc::gen::element('\'', '\\', ' ', '=', '@', '%')));
    auto const name = *text;
    auto const password = *text;
    Conninfo info;
    info.set("password", password).set("application_name", name);
    auto const again = Conninfo::parse(info.reveal().reveal());
    RC_ASSERT(again.get("application_name") == name);
    RC_ASSERT(again.reveal().reveal() == info.reveal().reveal());
  }));
}

TEST_CASE("any text is read or refused") {
  CHECK(rc::check("random text", [] {
    auto const text = *rc::gen::container<std::string>(
        rc::gen::oneOf(rc::gen::nonZero<char>(),
                       rc::gen::elementOf(std::string("host=postgresql://:@/?&%'\\ ,"))));
    try {
      auto const info = Conninfo::parse(text);
      info.display();
      info.each_host();
    } catch (Error const& error) {
      RC_ASSERT(error.kind() == ErrorKind::config);
    }
  }));
}

}  // namespace
}  // namespace moonpool::wire
