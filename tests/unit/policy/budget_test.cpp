#include "policy/budget.hpp"

#include <rapidcheck.h>
#include <deque>

#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};

Error server_error(std::string sqlstate) {
  ServerFields fields;
  fields.sqlstate = std::move(sqlstate);
  return Error(std::move(fields));
}

Error lost() { return Error(ErrorKind::connection, "gone").at(Phase::wait, Outcome::unknown); }

TEST_CASE("the bucket pays for twenty repetitions, and calls that go well fill it again") {
  RetryBudget budget({.tokens = 100, .ratio = 1000});
  budget.called(kStart);
  for (int i = 0; i < 20; ++i) REQUIRE(budget.take(lost(), kStart) == 5);
  CHECK(budget.take(lost(), kStart) == 0);
  CHECK(budget.refused() == 1);
  for (int i = 0; i < 4; ++i) budget.succeeded(0);
  CHECK(budget.take(lost(), kStart) == 0);
  budget.succeeded(0);
  CHECK(budget.take(lost(), kStart) == 5);
  // A call that went well in the end gives back what it took, and never more than there is room for.
  budget.succeeded(5);
  CHECK(budget.tokens() == 6);
  budget.succeeded(1000);
  CHECK(budget.tokens() == 100);
}

TEST_CASE("what timed out costs twice as much") {
  RetryBudget budget({.tokens = 14});
  CHECK(budget.take(Error(ErrorKind::timeout, "late"), kStart) == 10);
  CHECK(budget.take(Error(ErrorKind::timeout, "late"), kStart) == 0);
  CHECK(budget.take(lost(), kStart) == 0);
}

TEST_CASE("of many calls a tenth may be repeated, of few calls ten repetitions are free") {
  RetryBudget budget({.tokens = 100'000});
  auto now = kStart;
  for (int i = 0; i < 10; ++i) CHECK(budget.take(lost(), now) == 5);
  CHECK(budget.take(lost(), now) == 0);
  for (int i = 0; i < 200; ++i) budget.called(now);
  int taken = 0;
  while (budget.take(lost(), now) != 0) ++taken;
  CHECK(taken == 10);
  now += seconds(11);
  CHECK(budget.take(lost(), now) == 5);
}

TEST_CASE("without a bucket nothing is counted") {
  RetryBudget budget({.tokens = 0});
  for (int i = 0; i < 1000; ++i) CHECK(budget.take(lost(), kStart) != 0);
  CHECK(budget.refused() == 0);
}

TEST_CASE("repeating is free where it loads nobody who is in trouble") {
  CHECK(repeats_for_free(server_error("40001"), false));
  CHECK(repeats_for_free(server_error("40P01"), false));
  CHECK(repeats_for_free(server_error("25006"), false));
  CHECK(repeats_for_free(lost(), true));
  CHECK(repeats_for_free(server_error("57P01"), true));
  CHECK_FALSE(repeats_for_free(lost(), false));
  CHECK_FALSE(repeats_for_free(server_error("55P03"), true));
  // A node that is slow is not gone.
  auto const late = Error(ErrorKind::timeout, "late").at(Phase::wait, Outcome::unknown);
  CHECK_FALSE(repeats_for_free(late, true));
}

TEST_CASE("whatever happens, repetitions stay within what the calls pay for") {
  CHECK(rc::check("bounded", [](std::vector<unsigned char> const& history) {
    RetryBudget budget;
    auto now = kStart;
    int calls = 0;
    int repeated = 0;
    for (auto const event : history) {
      now += milliseconds((event >> 4) * 50);
      if ((event & 3) == 0) {
        ++calls;
        budget.called(now);
        budget.succeeded(0);
      } else if (budget.take(lost(), now) != 0) {
        ++repeated;
      }
      RC_ASSERT(budget.tokens() >= 0);
      RC_ASSERT(budget.tokens() <= 100);
      RC_ASSERT(repeated <= 20 + calls / 5);
    }
  }));
}

// Every event is remembered with its slice, which is what the window means to count.
TEST_CASE("a window counts what its slices of the last while hold") {
  CHECK(rc::check("as remembered", [](std::vector<unsigned char> const& history) {
    Window<2> window(seconds(10));
    std::deque<std::pair<std::int64_t, std::size_t>> events;
    auto now = kStart;
    for (auto const event : history) {
      now += milliseconds((event >> 1) * 40);
      auto const second = std::chrono::floor<seconds>(now.time_since_epoch()).count();
      window.add(event & 1, now);
      events.emplace_back(second, event & 1);
      for (std::size_t kind : {0, 1}) {
        auto const expected = std::ranges::count_if(
            events, [&](auto const& one) { return one.second == kind && one.first > second - 10; });
        RC_ASSERT(window.count(kind, now) == static_cast<std::uint64_t>(expected));
      }
    }
  }));
}

}  // namespace
}  // namespace moonpool::policy
