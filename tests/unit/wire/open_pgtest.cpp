#include <sys/resource.h>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "proxy/proxy.hpp"
#include "support/promptness.hpp"
#include "unit/wire/wire.hpp"

namespace moonpool::wire {
namespace {

using test::Proxy;

Error refused(std::string const& more, Deadline deadline = soon()) {
  return error_of([&] { wait(Connection::open(test::conninfo(primary(), more), {}, deadline)); });
}

void check_not_sent(Error const& error) {
  INFO(error.describe());
  CHECK(error.phase() == Phase::connect);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK_FALSE(error.in_doubt());
}

TEST_CASE("an open connection is usable, idle, and knows whom it speaks with") {
  auto const connection = open("application_name=wire_open");
  CHECK(connection->is_open());
  CHECK(connection->usable());
  CHECK(connection->transaction_state() == TransactionState::idle);
  CHECK(connection->server_version() >= 150000);
  CHECK(connection->socket() >= 0);
  CHECK(std::to_string(connection->backend_pid()) ==
        sql("select pid from pg_stat_activity where application_name = 'wire_open'"));
  CHECK(connection->parameter("in_hot_standby") == "off");
  CHECK(connection->parameter("client_encoding") == "UTF8");
  CHECK(connection->parameter("no_such_thing").empty());
  CHECK(connection->round_trips() == 0);
  CHECK_FALSE(connection->session_changed());
}

TEST_CASE("a connection that is destroyed is gone from the server") {
  {
    auto const connection = open("application_name=wire_gone");
    CHECK(test::sessions("wire_gone") == 1);
  }
  CHECK(eventually([] { return test::sessions("wire_gone") == 0; }));
}

TEST_CASE("the text speaks UTF-8, whatever the user asked for") {
  auto const connection = open("client_encoding=LATIN1");
  CHECK(value(*connection, "select 'größe 🌙'") == "größe 🌙");
  CHECK(connection->parameter("client_encoding") == "UTF8");
}

TEST_CASE("a standby says that it is one") {
  auto const connection = open(test::conninfo(test::replica()));
  CHECK(connection->parameter("in_hot_standby") == "on");
}

TEST_CASE("a database that does not exist") {
  auto const error = refused("dbname=no_such_database");
  check_not_sent(error);
  CHECK(error.kind() == ErrorKind::connection);
  CHECK(error.sqlstate() == "3D000");
  CHECK_FALSE(error.retryable());
}

TEST_CASE("a role that does not exist, or may not log in") {
  sql("create role wire_nologin nologin");
  for (auto const* user : {"no_such_role", "wire_nologin"}) {
    auto const error = refused(std::string("user=") + user);
    check_not_sent(error);
    CHECK(error.sqlstate() == "28000");
    CHECK_FALSE(error.retryable());
  }
  sql("drop role wire_nologin");
}

// Puts a rule on top of pg_hba.conf while it lives.
class Access {
 public:
  explicit Access(std::string const& line) : file_(primary().data() / "pg_hba.conf") {
    std::ostringstream text;
    text << std::ifstream(file_).rdbuf();
    was_ = text.str();
    write(line + "\n" + was_);
  }
  ~Access() { write(was_); }
  Access(Access const&) = delete;
  Access& operator=(Access const&) = delete;

 private:
  void write(std::string const& text) {
    std::ofstream(file_, std::ios::trunc) << text;
    primary().reload();
  }
  std::filesystem::path file_;
  std::string was_;
};

TEST_CASE("a wrong password is told without the password") {
  sql("create role wire_locked login password 'right CANARY'");
  {
    Access const access("local all wire_locked scram-sha-256");
    REQUIRE(eventually([] {
      try {
        open("user=wire_locked password=wrong-CANARY");
      } catch (Error const& error) {
        return error.sqlstate() == "28P01";
      }
      return false;  // the server has not read the file again yet
    }));
    auto const error = refused("user=wire_locked password=wrong-CANARY");
    check_not_sent(error);
    CHECK_FALSE(error.retryable());
    CHECK_THAT(error.message(), test::contains("password authentication failed"));
    CHECK(error.describe().find("CANARY") == std::string::npos);
    CHECK(refused("user=wire_locked").sqlstate() == "28P01");
    auto const connection = open("user=wire_locked password='right CANARY'");
    CHECK(value(*connection, "select current_user") == "wire_locked");
  }
  sql("drop role wire_locked");
}

TEST_CASE("limits on connections are told apart from wrong names") {
  sql("create role wire_limited login connection limit 0");
  sql("create role wire_unwelcome login");
  sql("create database wire_closed allow_connections false");
  sql("create database wire_private");
  sql("revoke connect on database wire_private from public");
  auto const limited = refused("user=wire_limited");
  CHECK(limited.sqlstate() == "53300");
  CHECK(limited.retryable());
  CHECK(refused("dbname=wire_closed").sqlstate() == "55000");
  CHECK(refused("dbname=wire_private user=wire_unwelcome").sqlstate() == "42501");
  sql("drop role wire_limited");
  sql("drop role wire_unwelcome");
  sql("drop database wire_closed");
  sql("drop database wire_private");
}

TEST_CASE("nobody listens") {
  Proxy proxy(test::socket_of(primary()));
  proxy.door(Proxy::Door::refuse);
  auto const error = refused(proxy.conninfo());
  check_not_sent(error);
  CHECK(error.kind() == ErrorKind::connection);
  CHECK(error.sqlstate().empty());
  CHECK(error.retryable());
  CHECK_FALSE(error.hint().empty());
}

TEST_CASE("a port on the network where nobody listens, by address and by name") {
  for (auto const* host : {"127.0.0.1", "localhost"}) {
    auto const error = refused(std::string("host=") + host + " port=1");
    check_not_sent(error);
    CHECK(error.kind() == ErrorKind::connection);
    CHECK_THAT(error.message(), test::contains(std::string("@") + host + ":1/moonpool"));
  }
}

TEST_CASE("a name that cannot be resolved") {
  // A machine without a name server takes its time to say so.
  auto const error = refused("host=no-such-host.invalid", Deadline::in(60s));
  check_not_sent(error);
  CHECK(error.kind() == ErrorKind::connection);
  CHECK_THAT(error.message(), test::contains("no-such-host.invalid"));
  CHECK(error.retryable());
}

TEST_CASE("a listener that accepts and says nothing is left at the deadline") {
  Proxy proxy(test::socket_of(primary()));
  proxy.door(Proxy::Door::hang);
  Stopwatch const watch;
  auto const error = refused(proxy.conninfo(), Deadline::in(150ms));
  CHECK(watch.milliseconds() >= 150);
  CHECK(watch.milliseconds() < 150 + test::grace());
  check_not_sent(error);
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(error.retryable());
}

TEST_CASE("a connection that breaks in the middle of the login") {
  for (auto const type : {'R', 'S', 'K', 'Z'}) {
    for (auto const act : {test::Act::cut_before, test::Act::cut_at}) {
      Proxy proxy(test::socket_of(primary()));
      proxy.add({.side = test::Side::backend, .type = type, .act = act, .byte = 3});
      auto const error = refused(proxy.conninfo());
      check_not_sent(error);
      CHECK(error.kind() == ErrorKind::connection);
      CHECK(error.retryable());
    }
  }
}

TEST_CASE("an attempt that is destroyed midway leaves nothing behind") {
  Proxy proxy(test::socket_of(primary()));
  auto const rule = proxy.add({.side = test::Side::backend, .type = 'K', .act = test::Act::hold});
  {
    async::Stepper<Connected> stepper(Connection::open(
        test::conninfo(primary(), proxy.conninfo() + " application_name=wire_midway"), {}, soon()));
    bool held = false;
    for (auto wakeup = async::Wakeup::ready; !held;) {
      REQUIRE_FALSE(stepper.step(wakeup));
      held = proxy.hits(rule) > 0;
      auto pause = stepper.wait();
      pause.deadline = Deadline::in(5ms);
      wakeup = async::wait_blocking(pause);
      if (wakeup == async::Wakeup::timed_out) held = proxy.wait_for_hits(rule);
    }
    CHECK(proxy.live() == 1);
  }
  proxy.clear();
  CHECK(eventually([&] { return proxy.live() == 0 && test::sessions("wire_midway") == 0; }));
}

TEST_CASE("a cancelled attempt says so") {
  Proxy proxy(test::socket_of(primary()));
  proxy.door(Proxy::Door::hang);
  async::Stepper<Connected> stepper(
      Connection::open(test::conninfo(primary(), proxy.conninfo()), {}, soon()));
  for (int i = 0; i < 20 && stepper.wait().interest != async::Interest::read; ++i) {
    REQUIRE_FALSE(stepper.step());
  }
  REQUIRE(stepper.step(async::Wakeup::cancelled));
  auto const error = error_of([&] { stepper.take(); });
  CHECK(error.kind() == ErrorKind::cancelled);
  check_not_sent(error);
}

TEST_CASE("a process out of descriptors is told so, and not that the server is gone") {
  rlimit old{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
  rlimit const none{3, old.rlim_max};
  auto const info = test::conninfo(primary());
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  auto outcome = Outcome::unknown;
  bool thrown = false;
  try {
    wait(Connection::open(info, {}, soon()));
  } catch (Error const& error) {
    thrown = true;
    outcome = error.outcome();
  }
  setrlimit(RLIMIT_NOFILE, &old);
  CHECK(thrown);
  CHECK(outcome == Outcome::not_sent);
  CHECK(open()->usable());
}

}  // namespace
}  // namespace moonpool::wire
