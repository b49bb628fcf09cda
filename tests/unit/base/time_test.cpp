#include "base/time.hpp"

#include <rapidcheck.h>

#include <limits>

#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations as users write them") {
  struct Case {
    char const* text;
    Duration is;
  };
  for (auto const& [text, is] : {Case{"250ms", 250ms},
                                 {"5s", 5s},
                                 {"1.5m", 90s},
                                 {"2h", 2h},
                                 {"1d", 24h},
                                 {"7", 7s},
                                 {"0", 0s},
                                 {"0.25", 250ms},
                                 {"100us", 100us},
                                 {"0.5us", 500ns},
                                 {"36500d", 36500 * 24h},
                                 {".5s", 500ms}}) {
    INFO(text);
    CHECK(parse_duration(text) == is);
  }
}

TEST_CASE("what is no duration is refused, quoted, with what is right") {
  for (auto const* text :
       {"",    "ms",  "five", "5 s",   " 5s",  "5s ",  "5S",  "5sec",        "-1s",   "-1",
        "+1s", "inf", "nan",  "1e400", "0x10", "1,5s", "5ns", "40000000000", "1e99d", "5s5s"}) {
    INFO(text);
    try {
      parse_duration(text);
      FAIL_CHECK("was accepted");
    } catch (Error const& error) {
      CHECK(error.kind() == ErrorKind::config);
      CHECK_THAT(error.message(), test::contains("'" + std::string(text) + "'"));
      CHECK_THAT(error.message(), test::contains("\"250ms\""));
    }
  }
}

TEST_CASE("durations are printed in the largest unit that holds them exactly") {
  CHECK(format_duration(0s) == "0s");
  CHECK(format_duration(250ms) == "250ms");
  CHECK(format_duration(5s) == "5s");
  CHECK(format_duration(90s) == "90s");
  CHECK(format_duration(30min) == "30m");
  CHECK(format_duration(36h) == "36h");
  CHECK(format_duration(48h) == "2d");
  CHECK(format_duration(1500us) == "1500us");
  CHECK(format_duration(1500ns) == "1.5us");
  CHECK(format_duration(1ns) == "0.001us");
}

TEST_CASE("what format_duration prints, parse_duration reads back") {
  // Two years in nanoseconds: longer times are exact to the microsecond only.
  auto const longest = std::int64_t{63'000'000'000'000'000};
  CHECK(rc::check("any duration, at any grain", [&] {
    auto const grain = *rc::gen::element<std::int64_t>(1, 1'000, 1'000'000, 1'000'000'000);
    auto const most = grain == 1 ? std::int64_t{9'000'000'000'000'000} : longest;
    auto const count = *rc::gen::inRange<std::int64_t>(0, most / grain) * grain;
    Duration const duration = std::chrono::nanoseconds(count);
    RC_LOG() << format_duration(duration);
    RC_ASSERT(parse_duration(format_duration(duration)) == duration);
  }));
}

TEST_CASE("any text is a duration or an error, never anything else") {
  CHECK(rc::check("random text", [] {
    auto const text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("0123456789.eE+-smhdu nif")));
    try {
      RC_ASSERT(parse_duration(text) >= Duration::zero());
    } catch (Error const& error) {
      RC_ASSERT(error.kind() == ErrorKind::config);
    }
  }));
}

TEST_CASE("a deadline is one moment") {
  TimePoint const now{1000s};
  Deadline const deadline(now + 5s);
  CHECK_FALSE(deadline.passed(now));
  CHECK(deadline.left(now) == 5s);
  CHECK(deadline.passed(now + 5s));
  CHECK(deadline.left(now + 5s) == 0s);
  CHECK(deadline.left(now + 1h) == 0s);
  CHECK_FALSE(deadline.is_never());
}

TEST_CASE("never never passes") {
  auto const never = Deadline::never();
  CHECK(never.is_never());
  CHECK(Deadline().is_never());
  CHECK_FALSE(never.passed());
  CHECK(never.left() == Duration::max());
}

TEST_CASE("the earlier of two deadlines counts, from either side") {
  Deadline const soon(TimePoint{1s});
  Deadline const late(TimePoint{2s});
  CHECK(soon.earlier(late).at() == soon.at());
  CHECK(late.earlier(soon).at() == soon.at());
  CHECK(Deadline::never().earlier(late).at() == late.at());
  CHECK(late.earlier(Deadline::never()).at() == late.at());
  CHECK(Deadline::never().earlier_in(1h).left() <= 1h);
}

TEST_CASE("deadlines too far to be told are never, those in the past have passed") {
  CHECK(Deadline::in(Duration::max()).is_never());
  CHECK(Deadline::in(Duration::max() - 1ns).is_never());
  CHECK(Deadline::in(0s).passed());
  CHECK(Deadline::in(-5s).passed());
  CHECK(Deadline::in(Duration::min()).passed());
  CHECK_FALSE(Deadline::in(1h).passed());
}

}  // namespace
}  // namespace moonpool
