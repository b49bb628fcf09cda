#include "policy/breaker.hpp"

namespace moonpool::policy {

void Breaker::move_to(State state, TimePoint now) {
  state_ = state;
  since_ = now;
  ++generation_;
  failures_.clear();
  calls_.clear();
  out_ = 0;
}

// What time alone changes.
void Breaker::expire(TimePoint now) {
  if (forced_ != Forced::no) return;
  if (state_ == State::open && now - since_ >= options_.cooldown) move_to(State::half_open, now);
  if (state_ == State::half_open && out_ > 0 && now - first_out_ >= options_.cooldown) {
    move_to(State::open, now);
  }
}

Breaker::State Breaker::state(TimePoint now) {
  expire(now);
  return state_;
}

Breaker::Permit Breaker::ask(TimePoint now) {
  expire(now);
  switch (state_) {
    case State::closed:
      return {true, generation_, {}};
    case State::open:
      if (forced_ == Forced::open) return {false, generation_, options_.cooldown};
      return {false, generation_, options_.cooldown - (now - since_)};
    case State::half_open:
      break;
  }
  if (out_ >= options_.probes) {
    return {false, generation_, options_.cooldown - (now - first_out_)};
  }
  if (out_++ == 0) first_out_ = now;
  return {true, generation_, {}};
}

Breaker::Permit Breaker::insist(TimePoint now) {
  expire(now);
  if (forced_ == Forced::open) return {false, generation_, options_.cooldown};
  // A generation of the past: what comes of it changes nothing.
  return {true, state_ == State::closed ? generation_ : generation_ - 1, {}};
}

void Breaker::hint_alive(TimePoint now) {
  expire(now);
  if (state_ == State::open && forced_ == Forced::no) move_to(State::half_open, now);
}

void Breaker::force(Forced forced, TimePoint now) {
  forced_ = forced;
  move_to(forced == Forced::open ? State::open : State::closed, now);
}

void Breaker::settle(Permit const& permit, Verdict verdict, TimePoint now, Duration took) {
  expire(now);
  if (!permit.granted || permit.generation != generation_ || forced_ != Forced::no) return;
  bool const slow = options_.slow_call > Duration::zero() && took >= options_.slow_call;
  if (state_ == State::half_open) {
    --out_;
    if (verdict == Verdict::ignored) return;
    move_to(verdict == Verdict::failure || slow ? State::open : State::closed, now);
    return;
  }
  if (verdict != Verdict::ignored) note(verdict, slow, now);
}

// Closed: is it to be opened now?
void Breaker::note(Verdict verdict, bool slow, TimePoint now) {
  calls_.add(kAll, now);
  if (slow) calls_.add(kSlow, now);
  if (verdict == Verdict::success) {
    failures_.clear();
  } else {
    calls_.add(kFailed, now);
    failures_.push_back(now);
    while (!failures_.empty() && now - failures_.front() > options_.window) failures_.pop_front();
  }
  bool const in_a_row = static_cast<int>(failures_.size()) >= options_.failures;
  if (in_a_row || too_many(kFailed, options_.failure_rate, now) ||
      too_many(kSlow, options_.slow_rate, now)) {
    move_to(State::open, now);
  }
}

bool Breaker::too_many(std::size_t kind, double rate, TimePoint now) const {
  auto const of_kind = calls_.count(kind, now);
  if (rate <= 0 || of_kind == 0) return false;
  auto const all = calls_.count(kAll, now);
  return all >= static_cast<std::uint64_t>(options_.min_calls) &&
         static_cast<double>(of_kind) >= rate * static_cast<double>(all);
}

}  // namespace moonpool::policy
