#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "observe/hub.hpp"
#include "policy/balancer.hpp"
#include "policy/breaker.hpp"
#include "policy/budget.hpp"
#include "pool/options.hpp"
#include "wire/conninfo.hpp"

namespace moonpool::cluster {

enum class Role : std::uint8_t { unknown, primary, replica };

// What a DSN's target_session_attrs asks for.
enum class Audience : std::uint8_t {
  any,      // any, prefer-standby: writes to the primary, reads to replicas
  primary,  // primary, read-write: everything to the primary
  standby,  // standby, read-only: no writes, reads on replicas only
};

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
  // How much repeating all of them bear together.
  policy::BudgetOptions budget;
  // Every node is looked at this often, give or take a fifth: its role, its history, its lag. Default 1 s,
  // and it has so long to answer, default 500 ms. Zero interval: never; then roles are what connections
  // tell, nobody knows a lag, and nothing waits for a new primary. Longer ones make a failover longer.
  Duration health_interval = std::chrono::seconds(1);
  Duration health_timeout = std::chrono::milliseconds(500);
  // A connection for looks is opened anew this often, so that it is noticed when a name leads to another server.
  Duration probe_life = std::chrono::seconds(30);
  // A read whose connection is silent while the server, asked on another one, has been done with it for so long is
  // freed, and run again. Default 2 s; zero: never. Shorter ones take a network that stumbles for a dead one.
  // Not without looks at the nodes, and not behind a pooler.
  Duration silence = std::chrono::seconds(2);
  // How long a write waits for a new primary once there was one. Default 10 s; zero: it fails at once. A
  // write that waits holds no connection. Only with two nodes or more.
  Duration failover_wait = std::chrono::seconds(10);
  // How long a read asks a replica again whether it has what its session wrote, before it goes to the
  // primary. Default 100 ms.
  Duration catch_up_wait = std::chrono::milliseconds(100);
  // Connections on the primary for reads that found no replica. 0, the default: a quarter of pool.max.
  // More of them let the loss of the replicas take the primary along.
  std::size_t fallback_max = 0;
  // A pooler in between gives each transaction another session of the server: nothing is said in start-up
  // options, and reads are made read-only one by one, in the same round trip.
  bool shared_sessions = false;
  Audience audience = Audience::any;
  // Which of the eligible replicas serves a read. Default: power of two choices.
  std::shared_ptr<policy::Balancer> balancer;
  // Who is told of what the cluster does. nullptr: the log on stderr, from warnings on.
  std::shared_ptr<observe::Hub> hub;
};

}  // namespace moonpool::cluster
