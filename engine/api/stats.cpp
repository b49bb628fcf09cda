#include "api/stats.hpp"

#include <nlohmann/json.hpp>

namespace moonpool::api {
namespace {

using Json = nlohmann::ordered_json;

Json pool_json(pool::PoolStats const& pool) {
  return {{"max", pool.max},           {"idle", pool.idle},
          {"busy", pool.busy},         {"connecting", pool.connecting},
          {"closing", pool.closing},   {"waiting", pool.waiting},
          {"riding", pool.riding},     {"rides", pool.rides},
          {"acquired", pool.acquired}, {"opened", pool.opened},
          {"closed", pool.closed},     {"connect_failures", pool.connect_failures},
          {"timeouts", pool.timeouts}, {"leases_over_threshold", pool.leases_over_threshold}};
}

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Unknown is null, which is not the same as 0.
Json view_json(cluster::NodeView const& view, TimePoint now) {
  Json out = {
      {"name", view.name},
      {"role", cluster::to_string(view.role)},
      {"alive", view.alive},
      {"refused", view.refusal == policy::Refusal::none ? Json(nullptr)
                                                        : Json(policy::to_string(view.refusal))},
      {"timeline", nullptr},
      {"lsn", nullptr},
      {"lag_bytes", view.lag.bytes ? Json(*view.lag.bytes) : Json(nullptr)},
      {"lag_ms", view.lag.time ? Json(milliseconds(*view.lag.time)) : Json(nullptr)},
      {"round_trip_ms", nullptr},
      {"seen_ms_ago", nullptr},
      {"problem", view.failure ? Json(view.failure->message()) : Json(nullptr)}};
  if (view.seen) {
    if (view.seen->position.timeline != 0) out["timeline"] = view.seen->position.timeline;
    if (view.seen->position.lsn != 0) out["lsn"] = policy::format_lsn(view.seen->position.lsn);
    out["round_trip_ms"] = milliseconds(view.round_trip);
    out["seen_ms_ago"] = milliseconds(now - view.at);
  }
  return out;
}

Json forced_json(policy::Breaker::Forced forced) {
  switch (forced) {
    case policy::Breaker::Forced::open:
      return "open";
    case policy::Breaker::Forced::closed:
      return "closed";
    case policy::Breaker::Forced::no:
      break;
  }
  return nullptr;
}

Json change_json(cluster::RoleChange const& change) {
  auto const at = std::chrono::duration<double>(change.at.time_since_epoch()).count();
  return {{"at", at},
          {"node", change.node},
          {"from", cluster::to_string(change.from)},
          {"to", cluster::to_string(change.to)},
          {"timeline", change.timeline}};
}

}  // namespace

std::string stats_json(cluster::Cluster const& cluster) {
  auto const topology = cluster.topology();
  auto const now = Clock::now();
  Json document = {
      {"schema_version", 1}, {"primary", nullptr},     {"split_brain", topology->split_brain},
      {"timeline", nullptr}, {"nodes", Json::array()}, {"changes", Json::array()}};
  if (topology->primary) document["primary"] = topology->nodes[*topology->primary].name;
  if (topology->history.timeline != 0) document["timeline"] = topology->history.timeline;
  auto const budget = cluster.budget();
  document["retry"] = {{"tokens", budget.tokens()},
                       {"most", budget.most()},
                       {"repeated", budget.taken()},
                       {"refused", budget.refused()}};
  std::size_t index = 0;
  for (auto const& node : cluster.stats()) {
    auto one = view_json(topology->nodes[index++], now);
    one["breaker"] = {{"write", cluster::to_string(node.write_breaker)},
                      {"read", cluster::to_string(node.read_breaker)},
                      {"forced", forced_json(node.forced)}};
    one["pools"] = {{"write", pool_json(node.writes)},
                    {"read", pool_json(node.reads)},
                    {"fallback", pool_json(node.fallback)}};
    document["nodes"].push_back(std::move(one));
  }
  for (auto const& change : topology->changes) document["changes"].push_back(change_json(change));
  return document.dump();
}

}  // namespace moonpool::api
