#include "cluster/node.hpp"

namespace moonpool::cluster {
namespace {

wire::Conninfo read_only(wire::Conninfo info) {
  auto options = info.get("options");
  if (!options.empty()) options += ' ';
  info.set("options", options + "-c default_transaction_read_only=on");
  return info;
}

pool::PoolOptions without_minimum(pool::PoolOptions options) {
  options.min = 0;
  return options;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::primary:
      return "primary";
    case Role::replica:
      return "replica";
    case Role::unknown:
      break;
  }
  return "unknown";
}

std::string_view to_string(policy::Breaker::State state) {
  switch (state) {
    case policy::Breaker::State::closed:
      return "closed";
    case policy::Breaker::State::open:
      return "open";
    case policy::Breaker::State::half_open:
      break;
  }
  return "half_open";
}

void Passage::settle(policy::Breaker::Verdict verdict) noexcept {
  auto* const node = std::exchange(node_, nullptr);
  if (node == nullptr || !permit_.granted) return;
  std::lock_guard const lock(node->breaker_mutex_);
  node->breaker(route_).settle(permit_, verdict, Clock::now());
}

void Passage::settle(Error const* error) noexcept {
  using Verdict = policy::Breaker::Verdict;
  if (error == nullptr) return settle(Verdict::success);
  if (error->trips_breaker()) return settle(Verdict::failure);
  // The server answered, though with a no: it is alive.
  settle(error->kind() == ErrorKind::server ? Verdict::success : Verdict::ignored);
}

// A replica's write pool is there for the day it is promoted, and holds nothing open until then.
Node::Node(NodeOptions options, ClusterOptions const& cluster, async::Loop& keeper)
    : name_(options.name.empty() ? options.info.address() : options.name),
      role_(options.role),
      write_breaker_(cluster.breaker),
      read_breaker_(cluster.breaker),
      writes_(pool::Pool::make(
          name_, options.info,
          options.role == Role::replica ? without_minimum(cluster.pool) : cluster.pool, keeper)),
      reads_(pool::Pool::make(
          name_, read_only(options.info),
          options.role == Role::primary ? without_minimum(cluster.pool) : cluster.pool, keeper)) {}

Passage Node::ask(Route route) {
  std::lock_guard const lock(breaker_mutex_);
  return Passage(this, route, breaker(route).ask(Clock::now()));
}

policy::Breaker::State Node::breaker_state(Route route) const {
  std::lock_guard const lock(breaker_mutex_);
  return breaker(route).state(Clock::now());
}

void Node::start() {
  writes_->start();
  reads_->start();
}

void Node::close() {
  writes_->close();
  reads_->close();
}

void Node::cancel_leases() {
  writes_->cancel_leases();
  reads_->cancel_leases();
}

void Node::cut_leases() {
  writes_->cut_leases();
  reads_->cut_leases();
}

bool Node::is_empty() const { return writes_->is_empty() && reads_->is_empty(); }

}  // namespace moonpool::cluster
