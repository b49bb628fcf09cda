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
  void call(Verdict verdict, Duration took = Duration::zero()) {
    breaker.settle(ask(), verdict, now, took);
  }
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

TEST_CASE("half of many calls failing opens it, though none fail in a row") {
  Clocked it({.failures = 1000, .min_calls = 20});
  for (int i = 0; i < 9; ++i) {
    it.call(Verdict::failure);
    it.call(Verdict::success);
  }
  it.call(Verdict::success);
  CHECK(it.state() == State::closed);
  it.call(Verdict::failure);
  CHECK(it.state() == State::open);
}

TEST_CASE("less than the rate does not open it, nor do too few calls, nor old ones") {
  Clocked rare({.failures = 1000, .min_calls = 20});
  for (int i = 0; i < 100; ++i) rare.call(i % 3 == 0 ? Verdict::failure : Verdict::success);
  CHECK(rare.state() == State::closed);
  Clocked few({.failures = 1000, .min_calls = 20});
  for (int i = 0; i < 19; ++i) few.call(Verdict::failure);
  few.wait(seconds(11));
  for (int i = 0; i < 19; ++i) few.call(Verdict::failure);
  CHECK(few.state() == State::closed);
  Clocked off({.failures = 1000, .min_calls = 1, .failure_rate = 0});
  for (int i = 0; i < 100; ++i) off.call(Verdict::failure);
  CHECK(off.state() == State::closed);
}

TEST_CASE("calls that say nothing of the node are no calls") {
  Clocked it({.failures = 1000, .min_calls = 20});
  for (int i = 0; i < 100; ++i) it.call(Verdict::ignored);
  for (int i = 0; i < 19; ++i) it.call(Verdict::failure);
  CHECK(it.state() == State::closed);
}

TEST_CASE(
    "most calls being slow opens it where that was asked for, and a slow one does not close it") {
  Clocked it({.min_calls = 10, .slow_call = milliseconds(500)});
  for (int i = 0; i < 2; ++i) it.call(Verdict::success, milliseconds(499));
  for (int i = 0; i < 7; ++i) it.call(Verdict::success, milliseconds(500));
  CHECK(it.state() == State::closed);
  it.call(Verdict::success, seconds(1));
  CHECK(it.state() == State::open);
  it.wait(seconds(2));
  it.call(Verdict::success, seconds(1));
  CHECK(it.state() == State::open);
  it.wait(seconds(2));
  it.call(Verdict::success, milliseconds(1));
  CHECK(it.state() == State::closed);
  Clocked never;
  for (int i = 0; i < 100; ++i) never.call(Verdict::success, seconds(100));
  CHECK(never.state() == State::closed);
}

// What the breaker is meant to be, said as simply as possible: against it every step is compared. It remembers
// every call it was told of and counts them anew each time.
struct Reference {
  struct Call {
    TimePoint at;
    bool failed;
    bool slow;
  };
  BreakerOptions options;
  State state = State::closed;
  TimePoint since{};
  TimePoint oldest{};
  std::vector<Call> calls;
  std::vector<int> out;  // half open: who tries
  int era = 0;

  void go(State next, TimePoint now) {
    state = next;
    since = now;
    calls.clear();
    out.clear();
    ++era;
  }
  void pass(TimePoint now) {
    if (state == State::open && now >= since + options.cooldown) go(State::half_open, now);
    if (state == State::half_open && !out.empty() && now >= oldest + options.cooldown) {
      go(State::open, now);
    }
  }
  bool ask(int id, TimePoint now) {
    pass(now);
    if (state == State::closed) return true;
    if (state == State::open || static_cast<int>(out.size()) >= options.probes) return false;
    if (out.empty()) oldest = now;
    out.push_back(id);
    return true;
  }
  bool must_open(TimePoint now) const {
    int in_a_row = 0;
    for (auto call = calls.rbegin(); call != calls.rend() && call->failed; ++call) {
      if (now - call->at <= options.window) ++in_a_row;
    }
    auto const slice = [&](TimePoint at) {
      return at.time_since_epoch().count() / (options.window.count() / 10);
    };
    double all = 0;
    double failed = 0;
    double slow = 0;
    for (auto const& call : calls) {
      if (slice(call.at) <= slice(now) - 10) continue;
      ++all;
      failed += call.failed ? 1 : 0;
      slow += call.slow ? 1 : 0;
    }
    if (in_a_row >= options.failures) return true;
    if (all < options.min_calls) return false;
    return failed / all >= options.failure_rate || slow / all >= options.slow_rate;
  }
  void settle(int id, int era_of_permit, Verdict verdict, TimePoint now, bool slow) {
    pass(now);
    if (era_of_permit != era) return;
    if (state == State::half_open) {
      std::erase(out, id);
      if (verdict == Verdict::ignored) return;
      go(verdict == Verdict::success && !slow ? State::closed : State::open, now);
      return;
    }
    if (verdict == Verdict::ignored) return;
    calls.push_back({now, verdict == Verdict::failure, slow});
    if (must_open(now)) go(State::open, now);
  }
};

TEST_CASE("against a reference, step by step, over random histories") {
  // Of few failures in a row, of rates alone, of slowness alone.
  BreakerOptions const kinds[] = {
      {.failures = 3, .cooldown = seconds(2), .probes = 2},
      {.failures = 1000, .window = seconds(4), .min_calls = 6, .cooldown = seconds(1)},
      {.failures = 1000,
       .min_calls = 4,
       .failure_rate = 0.9,
       .slow_call = seconds(1),
       .slow_rate = 0.6}};
  int opened = 0;
  for (auto const& options : kinds) {
    CHECK(rc::check("same states", [&](std::vector<unsigned short> const& history) {
      Clocked it(options);
      Reference model;
      model.options = options;
      struct Out {
        Breaker::Permit permit;
        int id = 0;
        int era = 0;
      };
      std::vector<Out> out;
      int ids = 0;
      for (auto const event : history) {
        it.wait(milliseconds(((event >> 4) & 15) * 100));
        if ((event & 7) == 7) {
          it.breaker.hint_alive(it.now);
          model.pass(it.now);
          if (model.state == State::open) model.go(State::half_open, it.now);
        } else if ((event & 1) == 0) {
          auto const permit = it.ask();
          RC_ASSERT(permit.granted == model.ask(++ids, it.now));
          if (permit.granted) out.push_back({permit, ids, model.era});
        } else if (!out.empty()) {
          auto const at = static_cast<std::size_t>(event >> 8) % out.size();
          auto const one = out[at];
          out.erase(out.begin() + static_cast<std::ptrdiff_t>(at));
          auto const verdict = (event & 6) == 0   ? Verdict::ignored
                               : (event & 2) != 0 ? Verdict::failure
                                                  : Verdict::success;
          bool const slow = options.slow_call > Duration::zero() && (event & 8) != 0;
          it.breaker.settle(one.permit, verdict, it.now, slow ? options.slow_call : Duration());
          model.settle(one.id, one.era, verdict, it.now, slow);
        }
        model.pass(it.now);
        RC_ASSERT(it.state() == model.state);
        if (model.state == State::open) ++opened;
      }
      // From wherever it is, it is closed again soon after the node is well.
      for (int i = 0; i < 3 && it.state() != State::closed; ++i) {
        it.wait(options.cooldown);
        it.call(Verdict::success);
      }
      RC_ASSERT(it.state() == State::closed);
    }));
  }
  CHECK(opened > 0);
}

}  // namespace
}  // namespace moonpool::policy
