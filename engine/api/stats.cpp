#include "api/stats.hpp"

#include <nlohmann/json.hpp>

namespace moonpool::api {
namespace {

using Json = nlohmann::ordered_json;

Json pool_json(pool::PoolStats const& pool) {
  return {{"max", pool.max},           {"idle", pool.idle},
          {"busy", pool.busy},         {"connecting", pool.connecting},
          {"closing", pool.closing},   {"waiting", pool.waiting},
          {"acquired", pool.acquired}, {"opened", pool.opened},
          {"closed", pool.closed},     {"connect_failures", pool.connect_failures},
          {"timeouts", pool.timeouts}, {"leases_over_threshold", pool.leases_over_threshold}};
}

}  // namespace

std::string stats_json(std::vector<cluster::NodeStats> const& nodes) {
  Json document = {{"schema_version", 1}, {"nodes", Json::array()}};
  for (auto const& node : nodes) {
    document["nodes"].push_back({{"name", node.name},
                                 {"role", cluster::to_string(node.role)},
                                 {"breaker",
                                  {{"write", cluster::to_string(node.write_breaker)},
                                   {"read", cluster::to_string(node.read_breaker)}}},
                                 {"pools",
                                  {{"write", pool_json(node.writes)},
                                   {"read", pool_json(node.reads)},
                                   {"fallback", pool_json(node.fallback)}}}});
  }
  return document.dump();
}

}  // namespace moonpool::api
