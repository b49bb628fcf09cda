#include "cluster/cluster.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"

namespace moonpool::cluster {

using async::Operation;

namespace {

// For what was cancelled to come to its end, before its connection is cut.
constexpr auto kGrace = std::chrono::milliseconds(200);

}  // namespace

Cluster::Cluster(ClusterOptions options)
    : health_interval_(options.health_interval), health_timeout_(options.health_timeout) {
  nodes_.reserve(options.nodes.size());
  for (auto& node : options.nodes) {
    nodes_.push_back(std::make_shared<Node>(std::move(node), options, keeper_));
  }
  for (auto const& node : nodes_) {
    node->start();
    if (health_interval_ > Duration::zero()) keeper_.spawn(watch(node));
  }
  thread_ = std::thread([this] { keeper_.run(); });
}

Cluster::~Cluster() {
  closed_ = true;
  for (auto const& node : nodes_) node->close();
  keeper_.stop();
  thread_.join();
}

// In the order to try them: those whose breaker is not closed last.
std::vector<std::shared_ptr<Node>> Cluster::candidates(Route route) {
  std::vector<std::shared_ptr<Node>> out;
  auto const turn = turn_.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto const& node = nodes_[(turn + i) % nodes_.size()];
    bool const wanted = route == Route::write ? node->role() != Role::replica : true;
    if (wanted) out.push_back(node);
  }
  std::ranges::stable_sort(out, {}, [&](std::shared_ptr<Node> const& node) {
    bool const second_choice =
        route == Route::read ? node->role() == Role::primary : node->role() != Role::primary;
    bool const shut = node->breaker_state(route) != policy::Breaker::State::closed;
    return (shut ? 2 : 0) + (second_choice ? 1 : 0);
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
    auto passage = node->ask(route);
    if (!passage) {
      auto const ms = std::chrono::ceil<std::chrono::milliseconds>(passage.retry_after());
      Error refused(ErrorKind::circuit_open, "the breaker of " + node->name() +
                                                 " is open; it lets somebody try in " +
                                                 std::to_string(ms.count()) + " ms");
      failures.push_back(refused.at(Phase::acquire, Outcome::not_sent).on_node(node->name()));
      continue;
    }
    std::optional<Error> failure;
    try {
      auto acquiring = node->pool(route).acquire(deadline);
      auto lease = co_await std::move(acquiring);
      // The server itself tells its role with every connection and when it changes.
      bool const standby = lease->parameter("in_hot_standby") == "on";
      node->set_role(standby ? Role::replica : Role::primary);
      if (route == Route::write && standby) continue;
      co_return Placement{std::move(lease), node, std::move(passage)};
    } catch (Error const& error) {
      failure = error;
    }
    passage.settle(&*failure);
    auto const kind = failure->kind();
    if (kind == ErrorKind::cluster_closed || kind == ErrorKind::cancelled || deadline.passed()) {
      throw Error(*failure);
    }
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

// A sign of life from the server, on the keeper: it settles the breaker, and what the server reports of
// its role is seen without anybody asking.
Operation<void> Cluster::watch(std::shared_ptr<Node> node) {
  while (!closed_) {
    auto sleeping = async::sleep_until(Deadline::in(health_interval_));
    co_await std::move(sleeping);
    if (closed_) co_return;
    auto passage = node->ask(Route::read);
    if (!passage) continue;
    std::optional<Error> failure;
    try {
      auto const deadline = Deadline::in(health_timeout_);
      auto acquiring = node->reads().acquire(deadline);
      auto lease = co_await std::move(acquiring);
      wire::Request request;
      request.push_back({"SELECT 1", {}, true, false});
      auto running = lease->run(std::move(request), deadline);
      auto replies = co_await std::move(running);
      if (auto const* error = std::get_if<Error>(&replies.front())) failure = *error;
      node->set_role(lease->parameter("in_hot_standby") == "on" ? Role::replica : Role::primary);
    } catch (Error const& error) {
      failure = error;
    }
    passage.settle(failure ? &*failure : nullptr);
  }
}

Operation<void> Cluster::close(Deadline deadline) {
  closed_ = true;
  for (auto const& node : nodes_) node->close();
  auto drained = [this] {
    return std::ranges::all_of(nodes_, [](auto const& node) { return node->is_empty(); });
  };
  auto const grace = deadline.is_never() ? deadline : Deadline(deadline.at() + kGrace);
  bool told = false;
  while (!drained() && !grace.passed()) {
    if (deadline.passed() && !told) {
      told = true;
      for (auto const& node : nodes_) node->cancel_leases();
    }
    auto const limit = told ? grace : deadline;
    auto sleeping = async::sleep_until(limit.earlier_in(std::chrono::milliseconds(5)));
    if (co_await std::move(sleeping) == async::Wakeup::cancelled) break;
  }
  for (auto const& node : nodes_) node->cut_leases();
}

std::vector<NodeStats> Cluster::stats() const {
  std::vector<NodeStats> out;
  out.reserve(nodes_.size());
  for (auto const& node : nodes_) {
    out.push_back({node->name(), node->role(), node->breaker_state(Route::write),
                   node->breaker_state(Route::read), node->writes().stats(),
                   node->reads().stats()});
  }
  return out;
}

}  // namespace moonpool::cluster
