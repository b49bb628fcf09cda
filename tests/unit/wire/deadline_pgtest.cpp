#include <poll.h>

#include "proxy/proxy.hpp"
#include "support/promptness.hpp"
#include "unit/wire/wire.hpp"

namespace moonpool::wire {
namespace {

using test::Act;
using test::Proxy;
using test::Side;

// The operation until it waits, so that what it sent is under way.
template <class T>
void start(async::Stepper<T>& stepper) {
  REQUIRE_FALSE(stepper.step());
}

TEST_CASE("a statement that takes too long is in doubt, and its connection not usable") {
  auto const connection = open();
  Stopwatch const watch;
  auto const error =
      error_in(run(*connection, {statement("select pg_sleep(10)")}, Deadline::in(100ms)).front());
  CHECK(watch.milliseconds() >= 100);
  CHECK(watch.milliseconds() < 100 + test::grace());
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(error.outcome() == Outcome::unknown);
  CHECK(error.phase() == Phase::wait);
  CHECK(error.in_doubt());
  CHECK_FALSE(error.retryable());
  CHECK(connection->is_open());
  CHECK_FALSE(connection->usable());
}

TEST_CASE("a cancel ends it, and draining brings the connection back in step") {
  auto const connection = open();
  run(*connection, {statement("select pg_sleep(20), 'wire_cancel'")}, Deadline::in(50ms));
  REQUIRE(runs("wire_cancel"));
  CHECK(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
  CHECK(ended("wire_cancel"));
  CHECK(connection->usable());
  for (int i = 0; i < 20; ++i)
    CHECK(value(*connection, "select " + std::to_string(i)) == std::to_string(i));
}

TEST_CASE("draining without a cancel waits for what is owed, at most until its deadline") {
  auto const connection = open();
  run(*connection, apart({"select pg_sleep(1.5)", "select 'never read'"}), Deadline::in(50ms));
  Stopwatch const watch;
  CHECK_FALSE(wait(connection->drain(Deadline::in(50ms))));
  CHECK(watch.milliseconds() < 50 + test::grace());
  CHECK(wait(connection->drain(soon())));
  CHECK(value(*connection, "select 'fresh'") == "fresh");
}

TEST_CASE("an answer that nobody read tells what it would have told of the session") {
  auto const connection = open();
  run(*connection, apart({"select pg_sleep(0.2)", "set work_mem = '1234kB'"}), Deadline::in(50ms));
  REQUIRE(wait(connection->drain(Deadline::in(10s))));
  CHECK(connection->session_changed());
}

TEST_CASE("an operation destroyed mid-flight leaves the connection mid-flight") {
  auto const connection = open();
  {
    async::Stepper<std::vector<Reply>> stepper(
        connection->run({statement("select pg_sleep(20), 'wire_destroyed'")}, soon()));
    start(stepper);
    REQUIRE(runs("wire_destroyed"));
  }
  CHECK(connection->is_open());
  CHECK_FALSE(connection->usable());
  CHECK_FALSE(connection->poll_alive());
  CHECK(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
  CHECK(value(*connection, "select 5") == "5");
}

TEST_CASE("a cancelled wait says so") {
  auto const connection = open();
  async::Stepper<std::vector<Reply>> stepper(
      connection->run({statement("select pg_sleep(20), 'wire_cancelled'")}, soon()));
  start(stepper);
  REQUIRE(runs("wire_cancelled"));
  REQUIRE(stepper.step(async::Wakeup::cancelled));
  auto const error = error_in(stepper.take().front());
  CHECK(error.kind() == ErrorKind::cancelled);
  CHECK(error.outcome() == Outcome::unknown);
  CHECK_FALSE(connection->usable());
  CHECK(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
}

TEST_CASE("a cancel that hits nothing does no harm") {
  auto const connection = open();
  for (int i = 0; i < 20; ++i) {
    CHECK(wait(connection->cancel(soon())));
    CHECK(value(*connection, "select " + std::to_string(i)) == std::to_string(i));
  }
}

TEST_CASE("a cancel that does not get through gives false at its deadline") {
  Proxy proxy(test::socket_of(primary()));
  auto const connection = open(proxy.conninfo());
  run(*connection, {statement("select pg_sleep(1)")}, Deadline::in(30ms));
  proxy.add({.type = test::kCancelRequest, .act = Act::blackhole});
  Stopwatch const watch;
  CHECK_FALSE(wait(connection->cancel(Deadline::in(100ms))));
  CHECK(watch.milliseconds() < 100 + test::grace());
  proxy.cut_all();
}

TEST_CASE("a server that nobody hears of holds nobody past the deadline") {
  Proxy proxy(test::socket_of(primary()));
  auto const connection = open(proxy.conninfo());
  proxy.add({.act = Act::blackhole});
  Stopwatch const watch;
  auto const big = std::string(5'000'000, 'x');
  auto const error = error_in(
      run(*connection, {statement("select $1::text", {big})}, Deadline::in(100ms)).front());
  CHECK(watch.milliseconds() < 100 + test::grace());
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(error.outcome() == Outcome::unknown);
}

TEST_CASE("a frozen server holds nobody past the deadline") {
  auto const connection = open();
  primary().freeze();
  Stopwatch const watch;
  auto const error =
      error_in(run(*connection, {statement("select 1")}, Deadline::in(100ms)).front());
  auto const took = watch.milliseconds();
  primary().thaw();
  CHECK(took < 100 + test::grace());
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(wait(connection->drain(Deadline::in(10s))));
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("what arrives while idle is read without being mistaken for an answer") {
  auto const connection = open();
  one(*connection, "listen wire_idle");
  sql("notify wire_idle, 'hello'");
  CHECK(eventually([&] {
    pollfd watched{connection->socket(), POLLIN, 0};
    return poll(&watched, 1, 0) == 1;
  }));
  CHECK(connection->poll_alive());
  CHECK(value(*connection, "select 'mine'") == "mine");
}

TEST_CASE("a backend that was ended while idle is found before it is used") {
  auto const connection = open();
  CHECK(connection->poll_alive());
  sql("select pg_terminate_backend(" + std::to_string(connection->backend_pid()) + ")");
  CHECK(eventually([&] { return !connection->poll_alive(); }));
  CHECK_FALSE(connection->is_open());
  CHECK_FALSE(connection->usable());
  CHECK_FALSE(connection->poll_alive());
}

// The server's last words come first, its end of the socket is closed a moment later.
TEST_CASE("a session whose last words have come is dead, before its socket is closed") {
  Proxy proxy(test::socket_of(primary()));
  auto const connection = open(proxy.conninfo());
  proxy.add({.side = Side::backend,
             .type = 'Z',
             .act = Act::put_after,
             .payload = test::error_message("FATAL", "57P01", "terminating connection")});
  CHECK(value(*connection, "select 1") == "1");
  CHECK(eventually([&] { return !connection->poll_alive(); }));
  CHECK(proxy.live() == 1);
}

}  // namespace
}  // namespace moonpool::wire
