#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dev/cluster.hpp"
#include "support/server/engine.hpp"
#include "support/server/limit.hpp"

namespace moonpool::test {

// Where no server is frozen, one that is slow to answer because the machine has other things to do is none that is
// gone.
inline cluster::ClusterOptions unhurried(cluster::ClusterOptions options = {}) {
  options.health_timeout = std::chrono::seconds(10);
  return options;
}

// A primary with two replicas of its own, and the engine over all three, told nothing of their roles.
struct Trio {
  explicit Trio(cluster::ClusterOptions options = {}, dev::Settings settings = {})
      : servers(dev::Cluster::start(with(std::move(settings)))),
        engine(nodes(), std::move(options)) {}

  static dev::ClusterOptions with(dev::Settings settings) {
    dev::ClusterOptions options;
    options.name = "trio";
    options.limit = kServerLimit;
    options.replicas = 2;
    options.settings = std::move(settings);
    return options;
  }
  std::vector<cluster::NodeOptions> nodes() {
    std::vector<cluster::NodeOptions> out;
    for (auto const& server : servers.servers()) {
      out.push_back(node(server, cluster::Role::unknown, "trio"));
    }
    return out;
  }

  session::Session& session() const { return *engine.session; }
  std::shared_ptr<cluster::Topology const> topology() const { return engine.cluster->topology(); }
  // Every server was looked at and answered, so that all roles are known.
  bool all_known() const {
    return eventually(
        [&] {
          auto const now = topology();
          return now->settled && now->primary &&
                 std::ranges::all_of(now->nodes, &cluster::NodeView::alive);
        },
        std::chrono::seconds(30));
  }
  std::string primary() const {
    auto const now = topology();
    return now->primary ? now->nodes[*now->primary].name : "";
  }
  policy::Refusal refusal(std::string_view name) const {
    for (auto const& node : topology()->nodes) {
      if (node.name == name) return node.refusal;
    }
    return policy::Refusal::none;
  }

  dev::Cluster servers;
  Engine engine;
};

}  // namespace moonpool::test
