// Several callers on one connection: who may come in, and for whom it is kept free.
#include <algorithm>
#include <thread>
#include <utility>

#include "pool/pool.hpp"

namespace moonpool::pool {

bool Pool::must_be_alone(Ticket const& ticket) const {
  return options_.share_depth <= 1 ||
         pace_.of(ticket.key, options_.share_slow) == Pace::Verdict::slow;
}

std::list<Pool::Waiter*>::iterator Pool::first_rider() {
  return std::ranges::find_if(waiters_,
                              [](Waiter const* waiter) { return waiter->ticket.has_value(); });
}

// The one with the fewest on it; nullptr while there is a connection to be had alone.
std::shared_ptr<Carriage> Pool::find_seat() const {
  auto const total = idle_.size() + counts_.busy + counts_.connecting + counts_.closing;
  bool const scarce = idle_.empty() && (total >= options_.max || failures_in_a_row_ > 0);
  if (closed_ || !scarce) return nullptr;
  std::shared_ptr<Carriage> best;
  auto const now = Clock::now();
  for (auto const& carriage : carriages_) {
    auto const& shared = *carriage->member->shared;
    bool const shut = carriage->reserved || carriage->discarded || carriage->loners > 0 ||
                      carriage->riders >= options_.share_depth || !shared.is_open() ||
                      shared.session_changed() || is_expired(*carriage->member, now) ||
                      shared.running_for(now) > options_.share_slow;
    if (!shut && (!best || carriage->riders < best->riders)) best = carriage;
  }
  return best;
}

// Of a text that was not seen before, nobody knows what it does to those behind it.
Lease Pool::seat(std::shared_ptr<Carriage> carriage, Ticket const& ticket) {
  bool const alone = pace_.of(ticket.key, options_.share_slow) != Pace::Verdict::quick;
  auto& member = *carriage->member;
  if (carriage->riders > 0) {
    ++counts_.acquired;
    ++counts_.rides;
    member.leased_at = Clock::now();
    // What is not one thread's alone cannot be what that thread waits for.
    if (member.thread != std::this_thread::get_id()) member.thread = {};
  }
  ++carriage->riders;
  if (alone) ++carriage->loners;
  return Lease(shared_from_this(), std::move(carriage), ticket, alone);
}

Lease Pool::begin_carriage(std::unique_ptr<Member> member, Ticket const& ticket) {
  if (!member->shared) member->shared = std::make_unique<wire::Shared>(*member->connection);
  auto carriage = std::make_shared<Carriage>();
  carriage->member = std::move(member);
  carriages_.push_back(carriage);
  auto lease = seat(std::move(carriage), ticket);
  if (!waiters_.empty()) {
    reserve();
    board_waiters();
  }
  return lease;
}

void Pool::leave_to_end(Carriage& carriage) {
  std::lock_guard const lock(mutex_);
  carriage.discarded = true;
}

void Pool::alight(std::shared_ptr<Carriage> carriage, Ticket const& ticket, bool alone,
                  wire::Told const& told) noexcept {
  std::unique_ptr<Member> member;
  {
    std::lock_guard const lock(mutex_);
    if (told.took > Duration::zero()) pace_.learn(ticket.key, told.took);
    --carriage->riders;
    if (alone) --carriage->loners;
    if (carriage->riders == 0) {
      std::erase(carriages_, carriage);
      member = std::move(carriage->member);
      std::erase(busy_, member.get());
    }
    reserve();
    board_waiters();
  }
  if (!member) return;
  if (observe::wants(options_.hub, observe::Kind::use)) {
    tell(observe::Kind::use, member->leased_at, {}, nullptr);
  }
  auto const now = Clock::now();
  member->rest(now);
  if (carriage->discarded) {
    drop(std::move(member));
  } else {
    take_back(std::move(member), now);
  }
}

// For each caller in the line who needs a connection alone one is left to run empty, unless one is being
// opened for it. One that hangs on a slow statement does not count.
void Pool::reserve() {
  if (waiters_.empty()) {
    for (auto const& carriage : carriages_) carriage->reserved = false;
    return;
  }
  auto const alone = static_cast<std::size_t>(std::ranges::count_if(
      waiters_, [](Waiter const* waiter) { return !waiter->ticket.has_value(); }));
  auto const coming = failures_in_a_row_ > 0 ? 0 : counts_.connecting;
  auto wanted = alone > coming ? alone - coming : 0;
  auto const now = Clock::now();
  std::vector<Carriage*> running;
  for (auto const& carriage : carriages_) {
    carriage->reserved = false;
    auto const hangs = carriage->member->shared->running_for(now) > options_.share_slow;
    if (wanted > 0 && !hangs) running.push_back(carriage.get());
  }
  if (wanted == 0) return;
  std::ranges::sort(running, {}, &Carriage::riders);
  for (auto* carriage : running) {
    if (wanted-- == 0) return;
    carriage->reserved = true;
  }
}

void Pool::board_waiters() {
  for (auto place = first_rider(); place != waiters_.end(); place = first_rider()) {
    auto carriage = find_seat();
    if (!carriage) return;
    auto* const waiter = *place;
    waiters_.erase(place);
    waiter->queued = false;
    waiter->seat = seat(std::move(carriage), *waiter->ticket);
    waiter->signal.set();
  }
}

}  // namespace moonpool::pool
