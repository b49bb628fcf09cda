#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
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
  // A node that could not be reached is not asked again for so long, while another can serve. Default 2 s.
  Duration cooldown = std::chrono::seconds(2);
};

}  // namespace moonpool::cluster
