#pragma once

#include <string>

#include "cluster/cluster.hpp"

namespace moonpool::api {

// The document that mp_cluster_stats gives: the cluster as last seen, its pools and breakers.
std::string stats_json(cluster::Cluster const& cluster);
// What mp_cluster_metrics gives. Counting begins with the first call.
std::string metrics_text(cluster::Cluster const& cluster);
// Its notices go where mp_notices_to said.
void show_notices(observe::Hub& hub);

}  // namespace moonpool::api
