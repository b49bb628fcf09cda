#include "policy/retry.hpp"

#include <algorithm>

namespace moonpool::policy {

bool may_retry(Error const& error, Work work, int attempt, RetryOptions const& options) {
  return attempt < options.attempts && may_repeat(error, work);
}

bool may_repeat(Error const& error, Work work) {
  switch (error.kind()) {
    // The caller's own pool, or the caller itself: another attempt would only wait again.
    case ErrorKind::pool_timeout:
    case ErrorKind::pool_overloaded:
    case ErrorKind::self_deadlock:
    case ErrorKind::cancelled:
    case ErrorKind::cluster_closed:
      return false;
    // The cluster has waited for one, or was told not to.
    case ErrorKind::no_primary:
    case ErrorKind::no_healthy_node:
      return false;
    default:
      break;
  }
  if (error.in_doubt()) return work == Work::repeatable && error.kind() != ErrorKind::timeout;
  return error.retryable();
}

Duration retry_pause(int attempt, double random, RetryOptions const& options) {
  // Doubling stops early: beyond 2^30 every sensible cap has long been reached.
  int const doublings = std::clamp(attempt - 1, 0, 30);
  auto const most = static_cast<double>(options.cap.count());
  auto const ceiling = std::min(
      most, static_cast<double>(options.base.count()) * static_cast<double>(1LL << doublings));
  return Duration(static_cast<Duration::rep>(ceiling * std::clamp(random, 0.0, 1.0)));
}

}  // namespace moonpool::policy
