#include "proxy/proxy.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dev/admin.hpp"
#include "support/server/servers.hpp"

namespace moonpool::test {
namespace {

using namespace std::chrono_literals;
using dev::AdminConnection;

// A client that knows nothing of the engine.
AdminConnection client(Proxy const& proxy) {
  return AdminConnection(proxy.conninfo() + " dbname=moonpool user=postgres", Deadline::in(10s));
}

std::string ask(AdminConnection& connection, std::string const& text) {
  return connection.value(text, Deadline::in(10s));
}

TEST_CASE("the proxy passes on what is said, and tells it apart") {
  Proxy proxy(socket_of(primary()));
  auto connection = client(proxy);
  CHECK(ask(connection, "select 'hello'") == "hello");
  CHECK(proxy.live() == 1);
  auto const log = proxy.log();
  INFO(to_string(log));
  REQUIRE_FALSE(log.empty());
  CHECK(log.front().type == kStartup);
  CHECK(to_string(log).find("frontend Query @") != std::string::npos);
  CHECK(to_string(log).find("select 'hello'") != std::string::npos);
  CHECK(to_string(log).find("backend CommandComplete @") != std::string::npos);
  // Without holes: each message begins where the last one of its side ended.
  std::uint64_t next[2] = {0, 0};
  for (auto const& event : log) {
    auto& at = next[event.side == Side::frontend ? 0 : 1];
    CHECK(event.offset == at);
    at += event.size;
  }
}

TEST_CASE("round trips are counted") {
  Proxy proxy(socket_of(primary()));
  proxy.patience(10ms);
  auto connection = client(proxy);
  proxy.reset_round_trips();
  for (int i = 1; i <= 3; ++i) {
    ask(connection, "select 1");
    CHECK(proxy.round_trips() == i);
  }
}

TEST_CASE("a cut before a message keeps it from the server, one behind it does not") {
  sql("create table if not exists cuts (n int)");
  for (auto act : {Act::cut_before, Act::cut_after, Act::cut_at}) {
    Proxy proxy(socket_of(primary()));
    auto connection = client(proxy);
    sql("truncate cuts");
    auto const rule = proxy.add({.type = 'Q', .text = "insert", .act = act, .byte = 7});
    CHECK_THROWS_AS(ask(connection, "insert into cuts values (1)"), Error);
    CHECK(proxy.hits(rule) == 1);
    auto const rows = [] { return sql("select count(*) from cuts"); };
    if (act == Act::cut_after) {
      CHECK(eventually([&] { return rows() == "1"; }));
    } else {
      CHECK(rows() == "0");
    }
    CHECK(eventually([&] { return proxy.live() == 0; }));
  }
}

TEST_CASE("a message is held until it is released, or for a while") {
  Proxy proxy(socket_of(primary()));
  auto connection = client(proxy);
  auto const rule = proxy.add({.side = Side::backend, .type = 'C', .act = Act::hold});
  std::string answer;
  std::thread asking([&] { answer = ask(connection, "select 'late'"); });
  CHECK(proxy.wait_for_hits(rule));
  std::this_thread::sleep_for(30ms);
  CHECK(answer.empty());
  proxy.release(rule);
  asking.join();
  CHECK(answer == "late");
  proxy.add({.side = Side::backend, .type = 'Z', .act = Act::delay, .duration = 50ms});
  Stopwatch const watch;
  ask(connection, "select 1");
  CHECK(watch.milliseconds() >= 50);
}

TEST_CASE("the n-th message that fits is met, and no other") {
  Proxy proxy(socket_of(primary()));
  auto connection = client(proxy);
  auto const rule = proxy.add({.type = 'Q', .text = "2", .nth = 2, .act = Act::pass});
  ask(connection, "select 1");
  ask(connection, "select 2");
  CHECK(proxy.hits(rule) == 0);
  ask(connection, "select 22");
  CHECK(proxy.hits(rule) == 1);
  ask(connection, "select 222");
  CHECK(proxy.hits(rule) == 1);
}

TEST_CASE("messages are put in, doubled, replaced and dropped") {
  Proxy proxy(socket_of(primary()));
  auto connection = client(proxy);
  proxy.add({.side = Side::backend,
             .type = 'C',
             .act = Act::put_before,
             .payload = notice_message("injected")});
  proxy.add({.side = Side::backend,
             .type = 'Z',
             .act = Act::put_before,
             .payload = parameter_status("TimeZone", "Mars") + notification(1, "c", "p")});
  CHECK(ask(connection, "select 'still'") == "still");
  proxy.clear();
  proxy.add({.side = Side::backend, .type = 'N', .act = Act::duplicate});
  CHECK(ask(connection, "do $$ begin raise notice 'twice'; end $$").empty());
  proxy.clear();
  proxy.add({.side = Side::backend,
             .type = 'C',
             .act = Act::replace,
             .payload = error_message("ERROR", "40001", "made up")});
  auto const error = error_of([&] { ask(connection, "create table never_told ()"); });
  CHECK(error.sqlstate() == "40001");
  CHECK(sql("select to_regclass('never_told') is not null") == "t");
  proxy.clear();
  proxy.add({.side = Side::backend, .type = 'D', .act = Act::swallow});
  CHECK(ask(connection, "select 'dropped'").empty());
}

TEST_CASE("byte by byte everything arrives") {
  Proxy proxy(socket_of(primary()));
  proxy.slice(true);
  auto connection = client(proxy);
  CHECK(ask(connection, "select repeat('x', 3000)") == std::string(3000, 'x'));
}

TEST_CASE("a connection is cut at any byte of its stream") {
  Proxy proxy(socket_of(primary()));
  proxy.cut({.side = Side::backend, .bytes = 3, .connection = 1});
  CHECK_THROWS_AS(client(proxy), Error);
  proxy.cut({.side = Side::frontend, .bytes = 0, .connection = 1});
  CHECK_THROWS_AS(client(proxy), Error);
  auto connection = client(proxy);
  CHECK(ask(connection, "select 1") == "1");
}

TEST_CASE("a black hole passes nothing and closes nothing") {
  Proxy proxy(socket_of(primary()));
  auto connection = client(proxy);
  proxy.add({.type = 'Q', .act = Act::blackhole});
  auto const error = error_of([&] { connection.value("select 1", Deadline::in(100ms)); });
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(proxy.live() == 1);
  proxy.cut_all();
  CHECK(eventually([&] { return proxy.live() == 0; }));
}

TEST_CASE("the door refuses, hangs and slams") {
  Proxy proxy(socket_of(primary()));
  proxy.door(Proxy::Door::refuse);
  CHECK_THROWS_AS(client(proxy), Error);
  proxy.door(Proxy::Door::slam);
  CHECK_THROWS_AS(client(proxy), Error);
  proxy.door(Proxy::Door::hang);
  auto const error = error_of([&] {
    AdminConnection(proxy.conninfo() + " dbname=moonpool user=postgres", Deadline::in(100ms));
  });
  CHECK(error.kind() == ErrorKind::timeout);
  proxy.door(Proxy::Door::open);
  auto connection = client(proxy);
  CHECK(ask(connection, "select 1") == "1");
}

}  // namespace
}  // namespace moonpool::test
