#include "session/listen.hpp"

#include <set>

#include "session/session.hpp"
#include "support/promptness.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Bent;
using test::Engine;
using test::error_of;
using test::eventually;
using test::sql;
using test::unique;
using test::wait;

using Ear = std::shared_ptr<Listener>;

Ear listen(Session& session, std::vector<std::string> channels, ListenOptions options = {}) {
  return wait(session.listen(std::move(channels), options));
}
std::optional<Note> next(Listener& ear, Duration timeout = 10s) {
  return wait(ear.next(Deadline::in(timeout)));
}
Note must(Listener& ear) {
  auto const note = next(ear);
  if (!note) FAIL("no note came");
  return *note;
}
std::string pid_of(std::string const& application) {
  return sql("select pid from pg_stat_activity where application_name = '" + application +
             "' and query not like '%pool%' and query ilike '%clock_timestamp%'");
}

TEST_CASE("notes come with channel, payload and sender, in order") {
  Engine const engine;
  auto const odd = unique("Odd \"name") + " ; select 1";
  auto const plain = unique("plain");
  auto const ear = listen(*engine.session, {odd, plain});
  CHECK(ear->node() == "primary");
  CHECK_FALSE(next(*ear, 20ms).has_value());
  sql("select pg_notify($q$" + odd + "$q$, 'first'), pg_notify('" + plain + "', '')");
  auto const first = must(*ear);
  CHECK(first.channel == odd);
  CHECK(first.payload == "first");
  CHECK(first.backend_pid > 0);
  CHECK_FALSE(first.gap);
  CHECK(must(*ear).channel == plain);
  CHECK_FALSE(next(*ear, 20ms).has_value());
  sql("select pg_notify('" + plain + "', i::text) from generate_series(1, 2000) i");
  for (int i = 1; i <= 2000; ++i) REQUIRE(must(*ear).payload == std::to_string(i));
  ear->close();
  CHECK(error_of([&] { next(*ear); }).kind() == ErrorKind::usage);
  CHECK(eventually([&] { return engine.cluster->stats()[0].writes.busy == 0; }));
}

TEST_CASE("what is no channel is refused, and so is a transaction") {
  Engine const engine;
  CHECK(error_of([&] { listen(*engine.session, {}); }).kind() == ErrorKind::usage);
  CHECK(error_of([&] { listen(*engine.session, {""}); }).kind() == ErrorKind::usage);
  CHECK(error_of([&] { listen(*engine.session, {std::string(64, 'x')}); }).kind() ==
        ErrorKind::usage);
  auto const tx = wait(engine.session->begin({}));
  CHECK(error_of([&] { listen(*tx, {"a"}); }).kind() == ErrorKind::usage);
  wait(tx->rollback());
}

TEST_CASE("after a killed backend it listens again before it reports the gap") {
  Engine const engine;
  auto const channel = unique("gap");
  auto const ear = listen(*engine.session, {channel});
  for (int i = 0; i < 3; ++i) {
    sql("select pg_notify('" + channel + "', 'before')");
    CHECK(must(*ear).payload == "before");
    auto const pid = pid_of(engine.name);
    REQUIRE_FALSE(pid.empty());
    auto const killed = sql("select pg_terminate_backend(" + pid + "), clock_timestamp()");
    auto const gap = must(*ear);
    CHECK(gap.gap);
    CHECK(sql("select '" + gap.since + "'::timestamptz < clock_timestamp()") == "t");
    sql("select pg_notify('" + channel + "', 'after')");
    CHECK(must(*ear).payload == "after");
  }
}

TEST_CASE("a frozen server is noticed by the probe, at the caller's deadline") {
  Engine const engine;
  auto const channel = unique("frozen");
  ListenOptions options;
  options.probe_every = 50ms;
  options.probe_timeout = 2s;
  auto const ear = listen(*engine.session, {channel}, options);
  CHECK_FALSE(next(*ear, 300ms).has_value());  // several probes, none of which is a note
  auto const pid = std::stoi(pid_of(engine.name));
  test::primary().freeze_process(pid);
  auto const gap = must(*ear);
  CHECK(gap.gap);
  test::primary().thaw_process(pid);
  sql("select pg_notify('" + channel + "', 'heard')");
  CHECK(must(*ear).payload == "heard");
}

TEST_CASE("while there is no primary the deadline holds, and later it goes on") {
  Bent bent;
  auto const channel = unique("bent");
  ListenOptions options;
  options.probe_every = 50ms;
  options.probe_timeout = 10s;
  auto const ear = listen(*bent.session, {channel}, options);
  bent.proxy.door(test::Proxy::Door::refuse);
  bent.proxy.cut_all();
  test::Stopwatch const watch;
  CHECK_FALSE(error_of([&] { next(*ear, 300ms); }).message().empty());
  CHECK(watch.milliseconds() < 300 + test::grace());
  bent.proxy.door(test::Proxy::Door::open);
  CHECK(must(*ear).gap);
  sql("select pg_notify('" + channel + "', 'back')");
  CHECK(must(*ear).payload == "back");
}

}  // namespace
}  // namespace moonpool::session
