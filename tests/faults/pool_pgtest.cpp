// The pool against servers that die, hang and turn away, with callers who leave when it hurts most.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <random>

#include "faults/ground.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Act;
using test::ask;
using test::Bent;
using test::Engine;
using test::error_of;
using test::eventually;
using test::failure_of;
using test::Findings;
using test::grace;
using test::once;
using test::primary;
using test::Proxy;
using test::Side;
using test::side_by_side;
using test::sql;
using test::Stopwatch;
using test::wait;
using test::writes;

TEST_CASE("after the server was killed at rest and came back, no caller meets a dead connection") {
  cluster::ClusterOptions options;
  options.pool.max = 4;
  Engine const engine(options);
  std::atomic<int> together{0};
  Findings findings;
  side_by_side(4, findings, [&](int) {
    auto const tx = wait(engine.session->begin({}));
    ask(*tx, "select 1");
    ++together;
    eventually([&] { return together == 4; });
    wait(tx->rollback());
  });
  REQUIRE(eventually([&] { return writes(*engine.cluster).idle == 4; }));
  auto const opened = writes(*engine.cluster).opened;
  primary().kill_hard();
  primary().start();
  auto const single = engine.session->with(once());
  for (int i = 0; i < 8; ++i) CHECK(ask(*single, "select 'alive'") == "alive");
  auto const stats = writes(*engine.cluster);
  // The dead ones went in one pass, and as few were opened as were asked for.
  CHECK(stats.closed >= 4);
  CHECK(stats.opened - opened == 1);
}

TEST_CASE(
    "a network that swallows everything holds nobody past the deadline, and the pool recovers") {
  cluster::ClusterOptions options;
  options.pool.max = 3;
  options.pool.recover_timeout = 300ms;
  Bent bent(options);
  auto const session = bent.session->with(once(400ms));
  std::atomic<int> together{0};
  auto const rule =
      bent.proxy.add({.type = 'P', .text = "swallowed", .nth = 0, .act = Act::blackhole});
  Findings findings;
  side_by_side(6, findings, [&](int) {
    auto const own = session->with(once(400ms));
    ++together;
    eventually([&] { return together == 6; });
    Stopwatch const watch;
    auto const error = failure_of([&] { ask(*own, "select 'swallowed'"); });
    findings.expect(watch.milliseconds() < 400 + grace(), "late");
    bool const waited =
        error && error->outcome() == Outcome::not_sent && error->phase() == Phase::acquire;
    bool const sent =
        error && error->outcome() == Outcome::unknown && error->kind() == ErrorKind::timeout;
    findings.expect(waited || sent, "said otherwise", error);
  });
  CHECK(bent.proxy.hits(rule) >= 3);
  bent.proxy.clear();
  bent.proxy.cut_all();
  Stopwatch const healing;
  CHECK(eventually([&] {
    try {
      return ask(*session, "select 'healed'") == "healed";
    } catch (Error const&) {
      return false;
    }
  }));
  CHECK(healing.milliseconds() < 5'000 + grace());
  CHECK(test::at_rest(*bent.cluster));
}

TEST_CASE(
    "a server that accepts and never logs in ends its waiters in time, others are unaffected") {
  auto const name = test::unique("hang");
  cluster::ClusterOptions options;
  options.health_interval = Duration::zero();
  options.pool.connect_timeout = 2s;
  Engine const engine({test::node(primary(), cluster::Role::primary, name),
                       test::node(test::replica(), cluster::Role::replica, name)},
                      options);
  primary().freeze_postmaster();
  Findings findings;
  side_by_side(6, findings, [&](int) {
    auto const own = engine.session->with(once(300ms));
    Stopwatch const watch;
    auto const error = failure_of([&] { ask(*own, "select 1"); });
    findings.expect(watch.milliseconds() < 300 + grace(), "late");
    findings.expect(error && error->outcome() == Outcome::not_sent, "said otherwise", error);
    findings.expect(writes(*engine.cluster).connecting <= 2, "too many connects at once");
    findings.expect(ask(*own, "select pg_is_in_recovery()", test::kRead) == "t", "read elsewhere");
  });
  primary().thaw();
  CHECK(eventually([&] {
    try {
      return ask(*engine.session, "select 1") == "1";
    } catch (Error const&) {
      return false;
    }
  }));
}

TEST_CASE("a reset that fails or hangs costs the connection, and its caller nothing") {
  for (auto const act : {Act::replace, Act::hold}) {
    cluster::ClusterOptions options;
    options.pool.max = 1;
    options.pool.recover_timeout = 200ms;
    Bent bent(options);
    test::run(*bent.session, "set work_mem = '1234kB'");
    auto const rule =
        act == Act::hold
            ? bent.proxy.add({.type = 'P', .text = "DISCARD ALL", .act = Act::hold})
            : bent.proxy.add({.side = Side::backend,
                              .type = 'C',
                              .text = "DISCARD ALL",
                              .act = Act::replace,
                              .payload = test::error_message("ERROR", "25001", "not now")});
    auto const session = bent.session->with(once(1s));
    try {
      ask(*session, "select 'next'");
    } catch (Error const& error) {
      CHECK((error.outcome() == Outcome::not_sent || error.kind() == ErrorKind::timeout));
    }
    CHECK(bent.proxy.hits(rule) == 1);
    bent.proxy.clear();
    CHECK(test::at_rest(*bent.cluster));
    test::check_clean(*bent.session);
    CHECK(test::taken(writes(*bent.cluster)) == 1);
  }
}

TEST_CASE("connections grow old under load: no call fails, and they do not all go at once") {
  cluster::ClusterOptions options;
  options.pool.max = 4;
  options.pool.max_lifetime = 1s;
  Engine const engine(options);
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::thread ending([&] {
    std::this_thread::sleep_for(3500ms);
    stop = true;
  });
  Findings findings;
  side_by_side(4, findings, [&](int) {
    auto const own = engine.session->with(once());
    while (!stop) {
      findings.expect(ask(*own, "select 1 from pg_sleep(0.002)") == "1", "wrong answer");
      ++calls;
    }
  });
  ending.join();
  auto const stats = writes(*engine.cluster);
  CHECK(calls > 50);
  CHECK(stats.closed >= 4);
  // Three lifetimes of four places: a storm would open many more.
  CHECK(stats.opened <= 4 * 5);
}

TEST_CASE(
    "a server that restarts again and again costs the calls that were under way, and no other") {
  Engine const engine({},
                      Habits{.timeout = 20s, .retry = {.attempts = 50, .base = 5ms, .cap = 100ms}});
  std::atomic<bool> stop{false};
  std::atomic<int> good{0};
  std::mutex mutex;
  std::vector<Error> errors;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      auto const own = engine.session->with(engine.session->habits());
      while (!stop) {
        try {
          ask(*own, "select 1 from pg_sleep(0.005)");
          ++good;
        } catch (Error const& error) {
          std::lock_guard const lock(mutex);
          errors.push_back(error);
        }
      }
    });
  }
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(400ms);
    primary().restart(round == 1 ? dev::StopMode::immediate : dev::StopMode::fast);
  }
  std::this_thread::sleep_for(400ms);
  stop = true;
  for (auto& caller : callers) caller.join();
  CHECK(good > 20);
  for (auto const& error : errors) {
    INFO(error.describe());
    CHECK(error.outcome() == Outcome::unknown);
  }
  // Each restart meets at most what ran then.
  CHECK(errors.size() <= 3 * 4);
  CHECK(test::at_rest(*engine.cluster));
}

TEST_CASE("a server without a free place is not stormed, and connections that are there go on") {
  auto const role = test::unique("limited");
  sql("create role " + role + " login connection limit 1");
  Proxy proxy(test::socket_of(primary()));
  auto node = test::node(proxy, cluster::Role::primary, test::unique("limit"));
  node.info.set("user", role);
  cluster::ClusterOptions options;
  options.health_interval = Duration::zero();
  options.breaker = {.failures = 1'000'000, .failure_rate = 0};
  options.pool.acquire_timeout = 1500ms;
  Engine const engine({node}, options);
  auto const tx = wait(engine.session->begin({}));
  CHECK(ask(*tx, "select 'here'") == "here");
  auto const before = proxy.accepted();
  Stopwatch const watch;
  Findings findings;
  side_by_side(4, findings, [&](int) {
    auto const own = engine.session->with(once(1500ms));
    auto const error = failure_of([&] { ask(*own, "select 1"); });
    bool const told = error && error->outcome() == Outcome::not_sent &&
                      error->describe().find("too many connections") != std::string::npos;
    findings.expect(told, "said otherwise", error);
  });
  // At 20 ms doubling, two at a time, a second and a half has room for some twenty attempts.
  CHECK(proxy.accepted() - before >= 2);
  CHECK(proxy.accepted() - before <= 40);
  CHECK(ask(*tx, "select 'still here'") == "still here");
  wait(tx->commit());
  CHECK(ask(*engine.session, "select 1") == "1");
}

TEST_CASE(
    "a login that is refused for good fails at once, without the secret, until it is put right") {
  auto const role = test::unique("refused");
  auto const database = test::unique("dropped");
  sql("create role " + role + " login password 'tops3cret'");
  struct Refusal {
    std::string code;
    std::string break_it;
    std::string mend_it;
  };
  for (auto const& [code, break_it, mend_it] :
       {Refusal{"28000", "alter role " + role + " nologin", "alter role " + role + " login"},
        Refusal{"3D000", "select 1", "create database " + database}}) {
    auto node = test::node(primary(), cluster::Role::primary, test::unique("refusal"));
    node.info.set("user", role);
    node.info.set("password", "tops3cret");
    if (code == "3D000") node.info.set("dbname", database);
    cluster::ClusterOptions options;
    options.health_interval = Duration::zero();
    Engine const engine({node}, options);
    sql(break_it);
    for (int i = 0; i < 3; ++i) {
      Stopwatch const watch;
      auto const error = error_of([&] { ask(*engine.session, "select 1"); });
      INFO(error.describe());
      CHECK(watch.milliseconds() < grace());
      CHECK(error.sqlstate() == code);
      CHECK(error.attempt() == 1);
      CHECK_FALSE(error.retryable());
      CHECK(error.describe().find("tops3cret") == std::string::npos);
    }
    sql(mend_it);
    for (auto const& each : engine.cluster->nodes()) each->writes().recycle();
    CHECK(eventually([&] {
      try {
        return ask(*engine.session, "select 1") == "1";
      } catch (Error const&) {
        return false;
      }
    }));
  }
}

TEST_CASE("a process without free descriptors is told so, and recovers") {
  Engine const engine;
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  // The lowest free number is the first that is not to be had.
  int const next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(next >= 0);
  close(next);
  rlimit tight = limit;
  tight.rlim_cur = static_cast<rlim_t>(next);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &tight) == 0);
  std::optional<Error> failure;
  try {
    ask(*engine.session->with(once(1s)), "select 1");
  } catch (Error const& error) {
    failure = error;
  }
  setrlimit(RLIMIT_NOFILE, &limit);
  REQUIRE(failure);
  INFO(failure->describe());
  CHECK(failure->outcome() == Outcome::not_sent);
  CHECK(eventually([&] {
    try {
      return ask(*engine.session, "select 1") == "1";
    } catch (Error const&) {
      return false;
    }
  }));
  CHECK(test::at_rest(*engine.cluster));
}

TEST_CASE("who asks for one connection more than it holds all of is told so at once") {
  cluster::ClusterOptions options;
  options.pool.max = 2;
  Engine const engine(options);
  auto const first = wait(engine.session->begin({}));
  auto const second = wait(engine.session->begin({}));
  Stopwatch const watch;
  auto const error = error_of([&] { ask(*engine.session->with(once()), "select 1"); });
  CHECK(error.kind() == ErrorKind::self_deadlock);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK(watch.milliseconds() < grace());
  wait(first->rollback());
  CHECK(ask(*engine.session, "select 1") == "1");
}

}  // namespace
}  // namespace moonpool::session
