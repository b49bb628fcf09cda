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

TEST_CASE("an operator's word stands above what is seen") {
  Clocked it({.failures = 2, .cooldown = seconds(2)});
  it.breaker.force(Breaker::Forced::open, it.now);
  it.wait(seconds(100));
  CHECK_FALSE(it.ask().granted);
  CHECK_FALSE(it.breaker.insist(it.now).granted);
  it.breaker.hint_alive(it.now);
  CHECK(it.state() == State::open);
  it.breaker.force(Breaker::Forced::closed, it.now);
  for (int i = 0; i < 10; ++i) it.call(Verdict::failure);
  CHECK(it.ask().granted);
  it.breaker.force(Breaker::Forced::no, it.now);
  CHECK(it.state() == State::closed);
  it.open();
  CHECK_FALSE(it.ask().granted);
}

TEST_CASE("a sign of life lets somebody try before the time") {
  Clocked it({.cooldown = seconds(100)});
  it.open();
  it.breaker.hint_alive(it.now);
  CHECK(it.state() == State::half_open);
  it.call(Verdict::failure);
  CHECK(it.state() == State::open);
  it.breaker.hint_alive(it.now);
  it.call(Verdict::success);
  CHECK(it.state() == State::closed);
}

TEST_CASE("who has nowhere else to go gets in, and changes nothing") {
  Clocked it;
  it.open();
  auto const permit = it.breaker.insist(it.now);
  CHECK(permit.granted);
  it.settle(permit, Verdict::success);
  CHECK(it.state() == State::open);
}

// What the breaker is meant to be, said as simply as possible: against it every step is compared.
struct Reference {
  BreakerOptions options;
  State state = State::closed;
  TimePoint since{};
  std::vector<TimePoint> failures;
  std::vector<std::pair<int, TimePoint>> out;  // half open: who tries, since when
  int opened = 0;

  void go(State next, TimePoint now) {
    state = next;
    since = now;
    failures.clear();
    out.clear();
    ++opened;
  }
  void pass(TimePoint now) {
    if (state == State::open && now >= since + options.cooldown) go(State::half_open, now);
    if (state == State::half_open && !out.empty() && now >= oldest + options.cooldown) {
      go(State::open, now);
    }
  }
  TimePoint oldest{};
};

TEST_CASE("against a reference, step by step, over random histories") {
  CHECK(rc::check("same states", [](std::vector<unsigned char> const& history) {
    Clocked it({.failures = 3, .window = seconds(10), .cooldown = seconds(2), .probes = 2});
    Reference model;
    model.options = {.failures = 3, .window = seconds(10), .cooldown = seconds(2), .probes = 2};
    struct Out {
      Breaker::Permit permit;
      int id = 0;
      int era = 0;
    };
    std::vector<Out> out;
    int ids = 0;
    for (auto const event : history) {
      it.wait(milliseconds((event >> 4) * 200));
      model.pass(it.now);
      if ((event & 3) == 0) {
        auto const permit = it.ask();
        bool const granted = model.state == State::closed ||
                             (model.state == State::half_open &&
                              static_cast<int>(model.out.size()) < model.options.probes);
        RC_ASSERT(permit.granted == granted);
        if (!granted) continue;
        if (model.state == State::half_open) {
          if (model.out.empty()) model.oldest = it.now;
          model.out.emplace_back(++ids, it.now);
        }
        out.push_back({permit, ids, model.opened});
      } else if (!out.empty()) {
        auto const at = static_cast<std::size_t>(event >> 2) % out.size();
        auto const one = out[at];
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(at));
        auto const verdict = static_cast<Verdict>((event & 3) - 1);
        it.settle(one.permit, verdict);
        if (one.era == model.opened) {
          if (model.state == State::half_open) {
            std::erase_if(model.out, [&](auto const& known) { return known.first == one.id; });
            if (verdict == Verdict::failure) model.go(State::open, it.now);
            if (verdict == Verdict::success) model.go(State::closed, it.now);
          } else if (verdict == Verdict::success) {
            model.failures.clear();
          } else if (verdict == Verdict::failure) {
            model.failures.push_back(it.now);
            std::erase_if(model.failures,
                          [&](TimePoint when) { return it.now - when > model.options.window; });
            if (model.failures.size() >= 3) model.go(State::open, it.now);
          }
        }
      }
      model.pass(it.now);
      RC_ASSERT(it.state() == model.state);
    }
  }));
}

}  // namespace
}  // namespace moonpool::policy
