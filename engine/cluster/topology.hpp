#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cluster/options.hpp"
#include "policy/authority.hpp"
#include "policy/routing.hpp"

namespace moonpool::cluster {

// One server, as last seen.
struct NodeView {
  std::string name;
  Role role = Role::unknown;
  bool alive = false;                               // answered when last asked
  policy::Refusal refusal = policy::Refusal::none;  // why it is not written to, though a primary
  TimePoint at{};                                   // of the last answer
  std::optional<policy::Sighting> seen;             // the last answer
  policy::Lag lag;                                  // of a replica, at that moment
  Duration round_trip{};
  std::optional<Error> failure;  // of the last look, when it failed
  std::uint64_t looks = 0;
};

struct RoleChange {
  std::chrono::system_clock::time_point at;
  std::string node;
  Role from = Role::unknown;
  Role to = Role::unknown;
  std::uint32_t timeline = 0;
};

// All servers at one moment. Immutable once it is published.
struct Topology {
  std::uint64_t version = 0;
  bool settled = false;      // every node was asked at least once
  bool had_primary = false;  // at this moment or before
  bool split_brain = false;  // two primaries on one timeline: there is none then
  std::optional<std::size_t> primary;
  policy::Position history;  // of the cluster: system and timeline; lsn 0
  std::vector<NodeView> nodes;
  std::vector<RoleChange> changes;  // the last ones, oldest first
};

std::string_view to_string(Role role);

}  // namespace moonpool::cluster
