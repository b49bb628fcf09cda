// The cluster's figures as the metrics show them.
#include "observe/metrics.hpp"

#include "api/stats.hpp"

namespace moonpool::api {
namespace {

observe::PoolFigures figures_of(std::string purpose, pool::PoolStats const& stats) {
  return {std::move(purpose), stats.idle, stats.busy + stats.closing,
          stats.connecting,   stats.max,  stats.waiting,
          stats.timeouts};
}

}  // namespace

std::string metrics_text(cluster::Cluster const& cluster) {
  std::vector<observe::NodeFigures> nodes;
  auto const topology = cluster.topology();
  std::size_t index = 0;
  for (auto const& stats : cluster.stats()) {
    auto const& view = topology->nodes[index];
    observe::NodeFigures node;
    node.name = stats.name;
    node.address = cluster.nodes()[index++]->info().address();
    node.role = cluster::to_string(view.role);
    node.up = view.alive;
    if (view.lag.time) node.lag_seconds = std::chrono::duration<double>(*view.lag.time).count();
    if (view.lag.bytes) node.lag_bytes = static_cast<double>(*view.lag.bytes);
    node.write_breaker = cluster::to_string(stats.write_breaker);
    node.read_breaker = cluster::to_string(stats.read_breaker);
    node.pools.push_back(figures_of("write", stats.writes));
    node.pools.push_back(figures_of("read", stats.reads));
    node.pools.push_back(figures_of("fallback", stats.fallback));
    nodes.push_back(std::move(node));
  }
  return cluster.hub()->metrics().text(nodes);
}

}  // namespace moonpool::api
