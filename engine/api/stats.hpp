#pragma once

#include <string>
#include <vector>

#include "cluster/cluster.hpp"

namespace moonpool::api {

// {"schema_version":1,"nodes":[{"name":…,"role":…,"pools":{"write":{…},"read":{…}}}]}
std::string stats_json(std::vector<cluster::NodeStats> const& nodes);

}  // namespace moonpool::api
