#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dev/cluster.hpp"
#include "support/server/engine.hpp"

namespace moonpool::test {

// A primary with two replicas of its own, and the engine over all three, told nothing of their roles.
struct Trio {
  explicit Trio(cluster::ClusterOptions options = {}, dev::Settings settings = {})
      : servers(dev::Cluster::start(with(std::move(settings)))),
        engine(nodes(), std::move(options)) {}

  static dev::ClusterOptions with(dev::Settings settings) {
    dev::ClusterOptions options;
    options.name = "trio";
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
