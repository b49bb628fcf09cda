#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "support/promptness.hpp"
#include "unit/pool/ground.hpp"

namespace moonpool::pool {
namespace {

using Callers = std::vector<std::unique_ptr<Caller>>;

Callers in_line(Ground& ground, int count) {
  Callers callers;
  for (int i = 0; i < count; ++i) callers.push_back(std::make_unique<Caller>(ground));
  return callers;
}

// Which of them has been served.
std::vector<int> served(Callers& callers) {
  std::vector<int> out;
  for (std::size_t i = 0; i < callers.size(); ++i) {
    if (callers[i] && callers[i]->step() && callers[i]->lease) out.push_back(static_cast<int>(i));
  }
  return out;
}

TEST_CASE("callers are served in the order they came") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  auto callers = in_line(ground, 6);
  CHECK(ground.pool->stats().waiting == 6);
  lease.give_back();
  for (int next = 0; next < 6; ++next) {
    CHECK(served(callers) == std::vector<int>{next});
    callers[static_cast<std::size_t>(next)].reset();
  }
  CHECK(ground.rests(1));
}

TEST_CASE("a newcomer does not push in") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  auto callers = in_line(ground, 1);
  lease.give_back();
  Caller newcomer(ground);
  CHECK_FALSE(newcomer.done());
  CHECK(served(callers) == std::vector<int>{0});
  callers.clear();
  newcomer.finish();
  CHECK(newcomer.lease);
}

TEST_CASE("who leaves the line is passed over") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  auto callers = in_line(ground, 4);
  callers[0].reset();
  REQUIRE(callers[2]->step(async::Wakeup::cancelled));
  CHECK(callers[2]->error->kind() == ErrorKind::cancelled);
  CHECK(callers[2]->error->outcome() == Outcome::not_sent);
  CHECK(ground.pool->stats().waiting == 2);
  lease.give_back();
  CHECK(served(callers) == std::vector<int>{1});
  callers[1].reset();
  CHECK(served(callers) == std::vector<int>{3});
}

TEST_CASE("who leaves at the moment of the hand-over passes it on") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  auto callers = in_line(ground, 3);
  lease.give_back();   // handed to the first, which has not looked yet
  callers[0].reset();  // and now never will
  CHECK(served(callers) == std::vector<int>{1});
  callers[1].reset();
  callers[2].reset();
  CHECK(ground.rests(1));
}

TEST_CASE("whoever was handed a connection takes it, also when cancelled at that moment") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  auto callers = in_line(ground, 2);
  lease.give_back();
  REQUIRE(callers[0]->step(async::Wakeup::cancelled));
  // Either it took the connection, or it passed it on: nobody keeps it from both.
  if (!callers[0]->lease) {
    CHECK(served(callers) == std::vector<int>{1});
  } else {
    callers[0].reset();
    CHECK(served(callers) == std::vector<int>{1});
  }
}

TEST_CASE("a caller waits no longer than the pool allows, and is told what went on") {
  Ground ground({.max = 1, .acquire_timeout = 80ms});
  auto const lease = ground.take();
  Stopwatch const watch;
  Caller caller(ground);
  caller.finish();
  CHECK(watch.milliseconds() >= 80);
  CHECK(watch.milliseconds() < 80 + test::grace());
  REQUIRE(caller.error);
  CHECK(caller.error->kind() == ErrorKind::pool_timeout);
  CHECK(caller.error->phase() == Phase::acquire);
  CHECK(caller.error->outcome() == Outcome::not_sent);
  CHECK(caller.error->retryable());
  CHECK_THAT(caller.error->message(), test::contains("1 of 1"));
  CHECK(ground.pool->stats().timeouts == 1);
  CHECK(ground.pool->stats().waiting == 0);
}

TEST_CASE("the caller's own deadline is told apart") {
  Ground ground({.max = 1, .acquire_timeout = 10s});
  auto const lease = ground.take();
  Caller caller(ground, Deadline::in(60ms));
  caller.finish();
  REQUIRE(caller.error);
  CHECK(caller.error->kind() == ErrorKind::timeout);
  CHECK(caller.error->outcome() == Outcome::not_sent);
}

TEST_CASE("a deadline that has passed does not keep a caller from what is at hand") {
  Ground ground;
  ground.take().give_back();
  auto lease = wait(ground.pool->acquire(Deadline(TimePoint{})));
  CHECK(ask(lease, "select 1") == "1");
}

TEST_CASE("a full line turns callers away at once") {
  Ground ground({.max = 1, .max_waiters = 2});
  auto const lease = ground.take();
  auto const callers = in_line(ground, 2);
  Caller third(ground);
  REQUIRE(third.error);
  CHECK(third.error->kind() == ErrorKind::pool_overloaded);
  CHECK(third.error->outcome() == Outcome::not_sent);
  CHECK(ground.pool->stats().waiting == 2);
}

TEST_CASE("waiting callers make the pool grow, to its maximum") {
  Ground ground({.max = 3, .connecting_limit = 1});
  auto callers = in_line(ground, 5);
  for (int i = 0; i < 3; ++i) callers[static_cast<std::size_t>(i)]->finish();
  CHECK(ground.sessions() == 3);
  CHECK_FALSE(callers[3]->step());
  CHECK_FALSE(callers[4]->step());
  auto const stats = ground.pool->stats();
  CHECK(stats.busy == 3);
  CHECK(stats.waiting == 2);
}

TEST_CASE("a connect that its caller did not wait for joins the idle ones") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 2}, proxy.conninfo());
  auto const rule = proxy.add({.side = Side::backend, .type = 'K', .act = Act::hold});
  {
    Caller caller(ground);
    REQUIRE(proxy.wait_for_hits(rule));
  }
  CHECK(ground.pool->stats().connecting == 1);
  proxy.clear();
  CHECK(ground.rests(1));
}

TEST_CASE("logins that hang hold up no more than the limit, and nobody past the deadline") {
  Proxy proxy(test::socket_of(primary()));
  proxy.door(Proxy::Door::hang);
  Ground ground(
      {.max = 8, .connecting_limit = 2, .acquire_timeout = 200ms, .connect_timeout = 400ms},
      proxy.conninfo());
  Stopwatch const watch;
  auto callers = in_line(ground, 6);
  for (auto const& caller : callers) {
    CHECK(ground.pool->stats().connecting <= 2);
    caller->finish();
    CHECK(caller->error);
  }
  auto const took = watch.milliseconds();
  CHECK(took < 200 + test::grace());
  // Two at a time, each of which hangs for its connect timeout.
  CHECK(proxy.accepted() <= 2 * (2 + static_cast<int>(took / 400)));
  proxy.door(Proxy::Door::open);
  CHECK(eventually([&] {
    Caller caller(ground);
    caller.finish();
    return caller.lease.has_value();
  }));
}

// A hundred waiters, half of which leave at every moment there is, the hand-over included.
TEST_CASE("no wake-up is lost and no order broken, whoever leaves when") {
  auto const seed = 20240607U;
  std::mt19937 random(seed);
  INFO("seed " << seed);
  for (int round = 0; round < 20; ++round) {
    Ground ground({.max = 2, .max_waiters = 200});
    std::vector<Lease> held;
    held.push_back(ground.take());
    held.push_back(ground.take());
    auto callers = in_line(ground, 40);
    int last = -1;
    std::size_t left = callers.size();
    while (left > 0) {
      if (!held.empty()) {
        auto const which = random() % held.size();
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
      }
      // Some leave before they look at what they were handed.
      for (auto& caller : callers) {
        if (caller && random() % 8 == 0) {
          caller.reset();
          --left;
        }
      }
      for (int next : served(callers)) {
        CHECK(next > last);
        last = std::max(last, next);
        auto& caller = callers[static_cast<std::size_t>(next)];
        held.push_back(std::move(*caller->lease));
        caller.reset();
        --left;
      }
      REQUIRE(held.size() <= 2);
      REQUIRE((left == 0 || !held.empty()));
    }
    held.clear();
    CHECK(ground.rests(2));
    CHECK(ground.sessions() == 2);
  }
}

}  // namespace
}  // namespace moonpool::pool
