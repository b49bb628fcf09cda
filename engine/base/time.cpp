#include "base/time.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.hpp"

namespace moonpool {
namespace {

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr std::array<Unit, 6> kUnits = {
    {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}};

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorKind::config, "'" + std::string(text) +
                                     "' is not a duration: give a number with a unit (us, ms, s, m, "
                                     "h, d), like \"250ms\", or a number of seconds");
}

}  // namespace

Deadline Deadline::in(Duration duration) {
  auto const now = Clock::now();
  if (duration >= TimePoint::max() - now) return never();
  return Deadline(now + duration);
}

Duration Deadline::left(TimePoint now) const {
  if (is_never()) return Duration::max();
  return at_ > now ? at_ - now : Duration::zero();
}

Duration parse_duration(std::string_view text) {
  double number = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || !std::isfinite(number) || number < 0) refuse(text);
  std::string_view const unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  double factor = unit.empty() ? 1 : 0;
  for (auto const& known : kUnits) {
    if (known.name == unit) factor = known.seconds;
  }
  if (factor == 0) refuse(text);
  double const nanoseconds = std::round(number * factor * 1e9);
  // A hundred years: far inside the clock's range, so sums of durations cannot overflow.
  if (nanoseconds > 3.2e18) refuse(text);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
}

std::string format_duration(Duration duration) {
  using std::chrono::nanoseconds;
  auto const count = std::chrono::duration_cast<nanoseconds>(duration).count();
  static constexpr std::array<std::pair<std::int64_t, std::string_view>, 6> kSteps = {
      {{86'400'000'000'000, "d"},
       {3'600'000'000'000, "h"},
       {60'000'000'000, "m"},
       {1'000'000'000, "s"},
       {1'000'000, "ms"},
       {1'000, "us"}}};
  if (count == 0) return "0s";
  for (auto const& [step, name] : kSteps) {
    if (count % step == 0) return std::to_string(count / step).append(name);
  }
  return std::to_string(static_cast<double>(count) / 1e9) + "s";
}

}  // namespace moonpool
