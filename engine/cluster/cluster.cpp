#include "cluster/cluster.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace moonpool::cluster {

using async::Operation;

Cluster::Cluster(ClusterOptions options) : cooldown_(options.cooldown) {
  for (auto& node : options.nodes) {
    nodes_.push_back(std::make_shared<Node>(std::move(node), options.pool, keeper_));
  }
  for (auto const& node : nodes_) node->start();
  thread_ = std::thread([this] { keeper_.run(); });
}

Cluster::~Cluster() {
  closed_ = true;
  for (auto const& node : nodes_) node->close();
  keeper_.stop();
  thread_.join();
}

// In the order to try them: those that rest last, because a node that is down costs time to ask.
std::vector<std::shared_ptr<Node>> Cluster::candidates(Route route) {
  std::vector<std::shared_ptr<Node>> out;
  auto const turn = turn_.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto const& node = nodes_[(turn + i) % nodes_.size()];
    bool const wanted = route == Route::write ? node->role() != Role::replica : true;
    if (wanted) out.push_back(node);
  }
  auto const now = Clock::now();
  std::ranges::stable_sort(out, {}, [&](std::shared_ptr<Node> const& node) {
    bool const second_choice = route == Route::read ? node->role() == Role::primary
                                                    : node->role() != Role::primary;
    return (node->rests(now) ? 2 : 0) + (second_choice ? 1 : 0);
  });
  return out;
}

Operation<Placement> Cluster::place(Route route, Deadline deadline) {
  if (closed_) {
    throw Error(ErrorKind::cluster_closed, "this cluster was closed")
        .at(Phase::acquire, Outcome::not_sent);
  }
  auto trying = try_nodes(candidates(route), route, deadline);
  co_return co_await std::move(trying);
}

Operation<Placement> Cluster::try_nodes(std::vector<std::shared_ptr<Node>> nodes, Route route,
                                        Deadline deadline) {
  std::vector<Error> failures;
  for (auto const& node : nodes) {
    auto& pool = route == Route::write ? node->writes() : node->reads();
    std::optional<Error> failure;
    try {
      auto acquiring = pool.acquire(deadline);
      auto lease = co_await std::move(acquiring);
      // The server itself tells its role with every connection and when it changes.
      bool const standby = lease->parameter("in_hot_standby") == "on";
      node->set_role(standby ? Role::replica : Role::primary);
      if (route == Route::write && standby) continue;
      co_return Placement{std::move(lease), node};
    } catch (Error const& error) {
      failure = error;
    }
    auto const kind = failure->kind();
    if (kind == ErrorKind::cluster_closed || kind == ErrorKind::cancelled || deadline.passed()) {
      throw Error(*failure);
    }
    if (kind == ErrorKind::connection) node->rest_until(Clock::now() + cooldown_);
    failures.push_back(*failure);
  }
  if (!failures.empty()) {
    auto last = failures.back();
    if (failures.size() > 1) last.because(std::move(failures));
    throw last;
  }
  throw Error(route == Route::write ? ErrorKind::no_primary : ErrorKind::no_healthy_node,
              route == Route::write ? "no node of this cluster takes writes: all are replicas"
                                    : "no node of this cluster can serve reads")
      .at(Phase::acquire, Outcome::not_sent);
}

Operation<void> Cluster::close(Deadline deadline) {
  closed_ = true;
  for (auto const& node : nodes_) node->close();
  auto drained = [this] {
    return std::ranges::all_of(nodes_, [](auto const& node) { return node->is_empty(); });
  };
  while (!drained() && !deadline.passed()) {
    auto sleeping = async::sleep_until(deadline.earlier_in(std::chrono::milliseconds(5)));
    if (co_await std::move(sleeping) == async::Wakeup::cancelled) break;
  }
}

std::vector<NodeStats> Cluster::stats() const {
  std::vector<NodeStats> out;
  for (auto const& node : nodes_) {
    out.push_back({node->name(), node->role(), node->rests(), node->writes().stats(),
                   node->reads().stats()});
  }
  return out;
}

}  // namespace moonpool::cluster
