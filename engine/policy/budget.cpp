#include "policy/budget.hpp"

#include <algorithm>

namespace moonpool::policy {
namespace {

constexpr int kPrice = 5;
constexpr int kPriceAfterTimeout = 10;
constexpr double kAlwaysFree = 10;

}  // namespace

int RetryBudget::take(Error const& failure, TimePoint now) {
  auto const price = failure.kind() == ErrorKind::timeout ? kPriceAfterTimeout : kPrice;
  if (!counts()) return price;
  auto const calls = static_cast<double>(window_.count(kCalls, now));
  auto const most = std::max(kAlwaysFree, options_.ratio * calls);
  if (tokens_ < price || static_cast<double>(window_.count(kRepetitions, now)) >= most) {
    ++refused_;
    return 0;
  }
  tokens_ -= price;
  ++taken_;
  window_.add(kRepetitions, now);
  return price;
}

void RetryBudget::succeeded(int taken) { tokens_ = std::min(options_.tokens, tokens_ + 1 + taken); }

bool repeats_for_free(Error const& failure, bool excused) {
  auto const asked_for = failure.retry_class();
  if (asked_for == RetryClass::rerun || asked_for == RetryClass::reroute) return true;
  return excused && failure.trips_breaker() && failure.kind() != ErrorKind::timeout;
}

}  // namespace moonpool::policy
