#pragma once

#include <vector>

#include "cluster/options.hpp"

namespace moonpool::api {

// The servers of a caller who named none: MOONPOOL_DSN, else MOONPOOL_PRIMARY with MOONPOOL_REPLICA,
// MOONPOOL_REPLICA_2, … (as `moonpool dev env` prints them), else DATABASE_URL, else libpq's environment
// (PGHOST, PGHOSTADDR, PGSERVICE), else the embedded development cluster, started when it does not
// run. Throws Error(config) for text that cannot be read, Error(environment) when there is no DSN and
// no PostgreSQL to start.
std::vector<cluster::NodeOptions> nodes_of_environment();

}  // namespace moonpool::api
