#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "async/loop.hpp"
#include "cluster/node.hpp"
#include "cluster/options.hpp"
#include "pool/lease.hpp"

namespace moonpool::cluster {

// A connection on the node that was chosen. Whoever uses it settles the passage.
struct Placement {
  pool::Lease lease;
  std::shared_ptr<Node> node;
  Passage passage;
};

struct NodeStats {
  std::string name;
  Role role = Role::unknown;
  policy::Breaker::State write_breaker = policy::Breaker::State::closed;
  policy::Breaker::State read_breaker = policy::Breaker::State::closed;
  pool::PoolStats writes;
  pool::PoolStats reads;
};

// A primary and its replicas behind one face, with one background thread for all of them.
// Threads: any.
class Cluster {
 public:
  // Opens nothing but what pool.min asks for. REQUIRES: at least one node.
  explicit Cluster(ClusterOptions options);
  // Closes without draining.
  ~Cluster();
  Cluster(Cluster const&) = delete;
  Cluster& operator=(Cluster const&) = delete;

  // A connection on the right node. Tries the candidates in turn where nothing was sent; throws the
  // error of the last one, or Error(no_primary / no_healthy_node) when there is no candidate at all.
  async::Operation<Placement> place(Route route, Deadline deadline);

  // Refuses new work and waits until running work has ended or the deadline. What runs then is cancelled
  // on the server, and a fifth of a second later what is still out is cut: a COMMIT, which is never
  // cancelled, then ends in doubt.
  async::Operation<void> close(Deadline deadline);
  bool is_closed() const { return closed_; }

  std::vector<NodeStats> stats() const;
  std::vector<std::shared_ptr<Node>> const& nodes() const { return nodes_; }

 private:
  std::vector<std::shared_ptr<Node>> candidates(Route route);
  async::Operation<Placement> try_nodes(std::vector<std::shared_ptr<Node>> nodes, Route route,
                                        Deadline deadline);

  async::Operation<void> watch(std::shared_ptr<Node> node);

  Duration const health_interval_;
  Duration const health_timeout_;
  async::Loop keeper_;
  std::vector<std::shared_ptr<Node>> nodes_;  // constant after construction
  std::atomic<std::size_t> turn_{0};
  std::atomic<bool> closed_{false};
  std::thread thread_;
};

}  // namespace moonpool::cluster
