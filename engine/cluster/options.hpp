#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "policy/breaker.hpp"
#include "pool/options.hpp"
#include "wire/conninfo.hpp"

namespace moonpool::cluster {

enum class Role : std::uint8_t { unknown, primary, replica };

struct NodeOptions {
  wire::Conninfo info;
  Role role = Role::unknown;  // unknown: learnt from the first connection
  std::string name;           // empty: the address
};

struct ClusterOptions {
  std::vector<NodeOptions> nodes;
  pool::PoolOptions pool;
  // Of each node, for its writes and its reads.
  policy::BreakerOptions breaker;
  // Every node is asked for a sign of life this often, default 1 s, and has so long to give it, default
  // 500 ms. Zero interval: never.
  Duration health_interval = std::chrono::seconds(1);
  Duration health_timeout = std::chrono::milliseconds(500);
};

}  // namespace moonpool::cluster
