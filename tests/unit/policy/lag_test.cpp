#include "policy/lag.hpp"

#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1000s};
constexpr auto kFresh = 3s;

TEST_CASE("nothing is known of a lag while nobody has seen the primary") {
  Trail trail;
  auto const lag = trail.behind(kStart, 100, 5.0, kFresh);
  CHECK_FALSE(lag.bytes);
  CHECK_FALSE(lag.time);
  trail.note(kStart, 100, 10.0);
  CHECK_FALSE(trail.behind(kStart + 4s, 100, 5.0, kFresh).time);
}

TEST_CASE("behind an idle primary nobody is late, however old the last change is") {
  Trail trail;
  trail.note(kStart, 100, 5000.0);
  auto const lag = trail.behind(kStart + 1s, 100, 10.0, kFresh);
  CHECK(lag.bytes == 0U);
  CHECK(lag.time == Duration::zero());
}

TEST_CASE("behind a primary that stands at the start of a page nobody is late") {
  Trail trail;
  trail.note(kStart, 0x3422018, 5000.0);
  auto const lag = trail.behind(kStart + 1s, 0x3422000, 10.0, kFresh);
  CHECK(lag.bytes == 0U);
  CHECK(lag.time == Duration::zero());
}

TEST_CASE("the lag is the time since the last commit that was applied") {
  Trail trail;
  trail.note(kStart, 100, 50.0);
  auto const lag = trail.behind(kStart, 60, 47.5, kFresh);
  CHECK(lag.bytes == 40U);
  CHECK(lag.time == Duration(2500ms));
}

TEST_CASE("one change after a long rest is not as late as the rest was long") {
  Trail trail;
  for (int i = 0; i < 100; ++i) trail.note(kStart + i * 1s, 100, 1000.0 + i);
  trail.note(kStart + 100s, 110, 1100.0);
  auto const lag = trail.behind(kStart + 100s, 100, 5.0, kFresh);
  CHECK(lag.bytes == 10U);
  CHECK(lag.time == Duration(1s));
}

TEST_CASE("who has applied nothing has a lag in bytes, and one in time once it was seen complete") {
  Trail trail;
  trail.note(kStart, 100, 50.0);
  CHECK(trail.behind(kStart, 60, std::nullopt, kFresh).bytes == 40U);
  CHECK_FALSE(trail.behind(kStart, 60, std::nullopt, kFresh).time);
  trail.note(kStart + 1s, 200, 51.0);
  CHECK(trail.behind(kStart + 2s, 150, std::nullopt, kFresh).time == Duration(2s));
}

TEST_CASE("a clock that runs backwards makes no negative lag") {
  Trail trail;
  trail.note(kStart, 100, 50.0);
  CHECK(trail.behind(kStart, 60, 99.0, kFresh).time == Duration::zero());
}

TEST_CASE("another primary starts a new trail") {
  Trail trail;
  trail.note(kStart, 100, 50.0);
  trail.clear();
  CHECK_FALSE(trail.behind(kStart, 100, 50.0, kFresh).bytes);
}

}  // namespace
}  // namespace moonpool::policy
