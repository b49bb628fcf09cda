#include "session/attempts.hpp"

#include "policy/random.hpp"

namespace moonpool::session {

std::optional<Duration> Attempts::after(Error& failure, bool repeatable, bool excused,
                                        Deadline deadline) {
  auto const made = static_cast<int>(failures_.size()) + 1;
  if (failures_.empty()) cluster_.call_counts();
  // The connection may have tried twice by itself: what it prepared had gone stale.
  tries_ += failure.attempt();
  failures_.push_back(failure.attempt(tries_));
  due_ = repeatable && policy::may_repeat(failure, work_);
  if (!due_ || made >= options_.attempts || deadline.passed()) return std::nullopt;
  auto const pause = policy::retry_pause(made, policy::random_unit(), options_);
  if (deadline.left() <= pause) return std::nullopt;
  if (!policy::repeats_for_free(failure, excused)) {
    auto const price = cluster_.pay_for_repeating(failure);
    budget_spent_ = price == 0;
    if (budget_spent_) return std::nullopt;
    paid_ += price;
  }
  return pause;
}

void Attempts::succeed() { cluster_.call_succeeded(paid_, !failures_.empty()); }

Error Attempts::cancelled() const {
  auto last = failures_.back();
  return last.as(ErrorKind::cancelled,
                 "cancelled before it was tried again; it had failed: " + last.message());
}

Error Attempts::verdict() const {
  auto last = failures_.back();
  if (failures_.size() == 1) {
    if (budget_spent_)
      last.hint("it was not repeated: too many calls of this cluster are repeated");
    return last;
  }
  if (due_) {
    last.as(ErrorKind::retry_exhausted,
            "gave up after " + std::to_string(failures_.size()) + " attempts" +
                (budget_spent_ ? ", because too many calls of this cluster are repeated" : "") +
                "; the last one: " + last.message());
  }
  last.because(failures_);
  return last;
}

}  // namespace moonpool::session
