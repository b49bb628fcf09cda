#include "policy/breaker.hpp"

#include <rapidcheck.h>
#include <map>
#include <vector>

#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

using State = Breaker::State;
using Verdict = Breaker::Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Clocked {
 public:
  explicit Clocked(BreakerOptions options = {}) : breaker(options) {}
  Breaker::Permit ask() { return breaker.ask(now); }
  void call(Verdict verdict) { breaker.settle(ask(), verdict, now); }
  void settle(Breaker::Permit const& permit, Verdict verdict) {
    breaker.settle(permit, verdict, now);
  }
  void wait(Duration time) { now += time; }
  State state() { return breaker.state(now); }
  void open() {
    while (state() == State::closed) call(Verdict::failure);
  }

  TimePoint now{seconds(1000)};
  Breaker breaker;
};

TEST_CASE("so many failures in a row open it, and a success in between starts anew") {
  Clocked it({.failures = 3});
  it.call(Verdict::failure);
  it.call(Verdict::failure);
  it.call(Verdict::success);
  it.call(Verdict::failure);
  it.call(Verdict::failure);
  CHECK(it.state() == State::closed);
  it.call(Verdict::failure);
  CHECK(it.state() == State::open);
}

TEST_CASE("failures that lie too far apart do not open it") {
  Clocked it({.failures = 3, .window = seconds(10)});
  for (int i = 0; i < 20; ++i) {
    it.call(Verdict::failure);
    it.wait(seconds(6));
  }
  CHECK(it.state() == State::closed);
}

TEST_CASE("open, it refuses and says when to come back") {
  Clocked it({.cooldown = seconds(2)});
  it.open();
  it.wait(milliseconds(500));
  auto const refused = it.ask();
  CHECK_FALSE(refused.granted);
  CHECK(refused.retry_after == milliseconds(1500));
}

TEST_CASE("half open, it lets so many try and no more") {
  Clocked it({.cooldown = seconds(2), .probes = 2});
  it.open();
  it.wait(seconds(2));
  auto const first = it.ask();
  auto const second = it.ask();
  CHECK(first.granted);
  CHECK(second.granted);
  CHECK_FALSE(it.ask().granted);
  it.settle(first, Verdict::success);
  CHECK(it.state() == State::closed);
}

TEST_CASE("half open, a failure opens it again") {
  Clocked it;
  it.open();
  it.wait(seconds(2));
  it.call(Verdict::failure);
  CHECK(it.state() == State::open);
}

TEST_CASE("half open, a call that says nothing gives its permit back") {
  Clocked it;
  it.open();
  it.wait(seconds(2));
  it.call(Verdict::ignored);
  CHECK(it.state() == State::half_open);
  CHECK(it.ask().granted);
}

TEST_CASE("half open, a permit that is never settled counts as a failure in time") {
  Clocked it({.cooldown = seconds(2)});
  it.open();
  it.wait(seconds(2));
  auto const forgotten = it.ask();
  REQUIRE(forgotten.granted);
  it.wait(seconds(2));
  CHECK(it.state() == State::open);
  it.wait(seconds(2));
  it.call(Verdict::success);
  CHECK(it.state() == State::closed);
  it.settle(forgotten, Verdict::failure);
  CHECK(it.state() == State::closed);
}

TEST_CASE("results from before a change of state change nothing") {
  Clocked it({.failures = 1});
  auto const late = it.ask();
  auto const another = it.ask();
  it.settle(late, Verdict::failure);
  REQUIRE(it.state() == State::open);
  it.settle(another, Verdict::success);
  CHECK(it.state() == State::open);
}

// Whatever happens, once the node is well it is closed again within one cooldown for the permit that
// was forgotten and one for the breaker itself.
TEST_CASE("it is never stuck") {
  CHECK(rc::check("recovers from any history", [](std::vector<unsigned char> const& history) {
    Clocked it({.failures = 3, .cooldown = seconds(2), .probes = 1});
    std::vector<Breaker::Permit> out;
    for (auto const event : history) {
      it.wait(milliseconds((event >> 4) * 100));
      switch (event & 3) {
        case 0:
          out.push_back(it.ask());
          break;
        default:
          if (!out.empty()) {
            it.settle(out.back(), static_cast<Verdict>((event & 3) - 1));
            out.pop_back();
          }
      }
    }
    for (int i = 0; i < 3 && it.state() != State::closed; ++i) {
      it.wait(seconds(2));
      it.call(Verdict::success);
    }
    RC_ASSERT(it.state() == State::closed);
  }));
}

}  // namespace
}  // namespace moonpool::policy
