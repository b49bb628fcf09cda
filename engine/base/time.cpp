#include "base/time.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/error.hpp"

namespace moonpool {
namespace {

// In nanoseconds, which doubles hold exactly: a fraction of a second as factor would round twice.
struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::array<Unit, 6> kUnits = {{{"d", 86'400'000'000'000},
                                         {"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000}}};

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorKind::config,
              "'" + std::string(text) +
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
  double factor = unit.empty() ? 1e9 : 0;
  for (auto const& known : kUnits) {
    if (known.name == unit) factor = static_cast<double>(known.nanoseconds);
  }
  if (factor == 0) refuse(text);
  double const nanoseconds = std::round(number * factor);
  // A hundred years: far inside the clock's range, so sums of durations cannot overflow.
  if (nanoseconds > 3.2e18) refuse(text);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
}

std::string format_duration(Duration duration) {
  auto const count = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  if (count == 0) return "0s";
  for (auto const& unit : kUnits) {
    if (count % unit.nanoseconds == 0)
      return std::to_string(count / unit.nanoseconds).append(unit.name);
  }
  // Finer than the smallest unit: its thousandths.
  auto thousandths = std::to_string(count % 1000);
  thousandths.insert(0, 3 - thousandths.size(), '0');
  thousandths.erase(thousandths.find_last_not_of('0') + 1);
  return std::to_string(count / 1000) + '.' + thousandths + "us";
}

}  // namespace moonpool
