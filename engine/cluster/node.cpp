#include "cluster/node.hpp"

#include "observe/hub.hpp"

namespace moonpool::cluster {

using policy::Breaker;

namespace {

// A pooler refuses start-up options, and would not keep them for one client: there, whoever reads says so with
// each statement.
wire::Conninfo read_only(wire::Conninfo info, ClusterOptions const& cluster) {
  if (cluster.shared_sessions) return info;
  auto options = info.get("options");
  if (!options.empty()) options += ' ';
  info.set("options", options + "-c default_transaction_read_only=on");
  return info;
}

pool::PoolOptions without_minimum(pool::PoolOptions options) {
  options.min = 0;
  return options;
}

pool::PoolOptions called(std::string_view purpose, pool::PoolOptions options) {
  options.purpose = purpose;
  return options;
}

pool::PoolOptions for_fallback(ClusterOptions const& cluster) {
  auto options = without_minimum(cluster.pool);
  options.max = cluster.fallback_max != 0 ? cluster.fallback_max
                                          : std::max<std::size_t>(1, cluster.pool.max / 4);
  // Who waits is still one of the callers that would have waited for a replica.
  options.max_waiters = cluster.pool.waiters_limit();
  return options;
}

}  // namespace

std::string_view to_string(Route route) { return route == Route::write ? "write" : "read"; }

std::string_view to_string(Breaker::State state) {
  switch (state) {
    case Breaker::State::closed:
      return "closed";
    case Breaker::State::open:
      return "open";
    case Breaker::State::half_open:
      break;
  }
  return "half_open";
}

void Passage::settle(Breaker::Verdict verdict, Duration took) noexcept {
  auto* const node = std::exchange(node_, nullptr);
  if (node == nullptr || !permit_.granted) return;
  node->settle(route_, permit_, verdict, took);
}

void Passage::settle(Error const* error, Duration took) noexcept {
  using Verdict = Breaker::Verdict;
  if (error == nullptr) return settle(Verdict::success, took);
  if (error->trips_breaker()) return settle(Verdict::failure);
  // The server answered, though with a no: it is alive.
  settle(error->kind() == ErrorKind::server ? Verdict::success : Verdict::ignored, took);
}

// A replica's write pool is there for the day it is promoted, and holds nothing open until then.
Node::Node(NodeOptions options, ClusterOptions const& cluster, std::size_t index,
           async::Loop& keeper)
    : name_(options.name.empty() ? options.info.address() : options.name),
      index_(index),
      info_(options.info),
      hub_(cluster.hub),
      write_breaker_(cluster.breaker),
      read_breaker_(cluster.breaker),
      writes_(pool::Pool::make(
          name_, options.info,
          called("write",
                 options.role == Role::replica ? without_minimum(cluster.pool) : cluster.pool),
          keeper)),
      reads_(pool::Pool::make(
          name_, read_only(options.info, cluster),
          called("read",
                 options.role == Role::primary ? without_minimum(cluster.pool) : cluster.pool),
          keeper)),
      fallback_(pool::Pool::make(name_, read_only(options.info, cluster),
                                 called("fallback", for_fallback(cluster)), keeper)) {}

pool::Pool& Node::pool(Purpose purpose) const {
  switch (purpose) {
    case Purpose::write:
      return *writes_;
    case Purpose::fallback:
      return *fallback_;
    case Purpose::read:
      break;
  }
  return *reads_;
}

std::size_t Node::reads_in_flight() const {
  auto const stats = reads_->stats();
  return stats.busy + stats.riding + stats.waiting;
}

// One line for each change of state that somebody could see, whatever made it.
template <class Act>
auto Node::with_breaker(Route route, Act&& act) const {
  Breaker::State before{};
  Breaker::State after{};
  auto result = [&] {
    std::lock_guard const lock(breaker_mutex_);
    auto const now = Clock::now();
    auto given = act(breaker(route), now);
    auto& told = told_[route == Route::write ? 0 : 1];
    after = breaker(route).state(now);
    before = std::exchange(told, after);
    return given;
  }();
  if (before != after) tell_change(route, before, after);
  return result;
}

void Node::tell_change(Route route, Breaker::State before, Breaker::State after) const {
  observe::Activity activity;
  activity.kind = observe::Kind::breaker;
  activity.node = name_;
  activity.purpose = to_string(route);
  activity.from = to_string(before);
  activity.to = to_string(after);
  observe::see(hub_, activity);
}

void Node::settle(Route route, Breaker::Permit const& permit, Breaker::Verdict verdict,
                  Duration took) noexcept {
  try {
    with_breaker(route, [&](Breaker& breaker, TimePoint now) {
      breaker.settle(permit, verdict, now, took);
      return true;
    });
  } catch (std::exception const&) {
    // Only the log line was lost.
  }
}

Passage Node::ask(Route route) {
  auto permit =
      with_breaker(route, [](Breaker& breaker, TimePoint now) { return breaker.ask(now); });
  return Passage(this, route, permit);
}

Passage Node::insist(Route route) {
  auto permit =
      with_breaker(route, [](Breaker& breaker, TimePoint now) { return breaker.insist(now); });
  return Passage(this, route, permit);
}

Breaker::State Node::breaker_state(Route route) const {
  return with_breaker(route, [](Breaker& breaker, TimePoint now) { return breaker.state(now); });
}

void Node::hint_alive() {
  for (auto route : {Route::write, Route::read}) {
    with_breaker(route, [](Breaker& breaker, TimePoint now) {
      breaker.hint_alive(now);
      return true;
    });
  }
}

void Node::renew_breaker(Route route) {
  with_breaker(route, [](Breaker& breaker, TimePoint now) {
    if (breaker.forced() == Breaker::Forced::no && breaker.state(now) != Breaker::State::closed) {
      breaker.force(Breaker::Forced::no, now);
    }
    return true;
  });
}

void Node::force_breakers(Breaker::Forced forced) {
  for (auto route : {Route::write, Route::read}) {
    with_breaker(route, [&](Breaker& breaker, TimePoint now) {
      breaker.force(forced, now);
      return true;
    });
  }
}

Breaker::Forced Node::forced() const {
  std::lock_guard const lock(breaker_mutex_);
  return write_breaker_.forced();
}

void Node::start() {
  writes_->start();
  reads_->start();
  fallback_->start();
}

void Node::close() {
  writes_->close();
  reads_->close();
  fallback_->close();
}

void Node::cancel_leases() {
  writes_->cancel_leases();
  reads_->cancel_leases();
  fallback_->cancel_leases();
}

void Node::cut_leases() {
  writes_->cut_leases();
  reads_->cut_leases();
  fallback_->cut_leases();
}

bool Node::is_empty() const {
  return writes_->is_empty() && reads_->is_empty() && fallback_->is_empty();
}

}  // namespace moonpool::cluster
