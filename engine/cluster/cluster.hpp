#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "async/loop.hpp"
#include "cluster/node.hpp"
#include "cluster/options.hpp"
#include "cluster/probe.hpp"
#include "cluster/topology.hpp"
#include "cluster/watch.hpp"
#include "pool/lease.hpp"

namespace moonpool::cluster {

// A connection on the node that was chosen. Whoever uses it settles the passage.
struct Placement {
  pool::Lease lease;
  std::shared_ptr<Node> node;
  Passage passage;
  // Of the cluster when it was chosen: system and timeline.
  policy::Position history;
  // Not 0: the replica must be asked whether it has applied this, before what it says counts.
  policy::Lsn must_have = 0;
  bool on_primary = false;
};

// What a read needs of its node.
struct ReadNeeds {
  policy::Reading reading;
  policy::Position seen;  // what the session has written
  // The session has written, and nobody knows where: only the primary will do for its own reads.
  bool uncertain = false;
  // Nodes that failed it already: not these, where there are others.
  std::vector<std::size_t> avoid = {};
  // Where connections are scarce, it may be on one that others use.
  std::optional<pool::Ticket> ticket = std::nullopt;

  // Of what the session wrote?
  bool only_primary_sees() const {
    return reading.consistency == policy::Consistency::session && uncertain;
  }
};

struct NodeStats {
  std::string name;
  Role role = Role::unknown;
  policy::Breaker::State write_breaker = policy::Breaker::State::closed;
  policy::Breaker::State read_breaker = policy::Breaker::State::closed;
  policy::Breaker::Forced forced = policy::Breaker::Forced::no;
  pool::PoolStats writes;
  pool::PoolStats reads;
  pool::PoolStats fallback;
};

// A primary and its replicas behind one face, with one background thread for all of them.
// Threads: any.
class Cluster {
 public:
  // Opens nothing but what pool.min asks for, and a connection a node to look at it. REQUIRES: at least
  // one node.
  explicit Cluster(ClusterOptions options);
  // Closes without draining. Blocks, a fifth of a second at most, for cancels that are under way.
  ~Cluster();
  Cluster(Cluster const&) = delete;
  Cluster& operator=(Cluster const&) = delete;

  // A connection on the right node. Where nothing was sent, others are tried. A write, and a read that
  // needs the primary, waits up to failover_wait for a new primary once there was one. Throws
  // Error(no_primary / no_healthy_node), or what the last node said; the others are its causes.
  // With a ticket the connection may be one that others use too.
  async::Operation<Placement> place(Route route, Deadline deadline,
                                    std::optional<pool::Ticket> ticket = std::nullopt);
  async::Operation<Placement> place_read(ReadNeeds needs, Deadline deadline);
  // The same where all is well and a connection is free; nullopt: they would wait, look further, or throw. Of the
  // needs a write has the ticket only.
  std::optional<Placement> place_now(Route route, ReadNeeds const& needs);

  // May what is held there still be committed? Not when somebody else was promoted meanwhile.
  bool may_write(Placement const& placement) const;
  // The node has refused a write as read-only: is it still the one that takes them, when it is looked at anew?
  async::Operation<bool> takes_writes(std::size_t node, Deadline deadline);
  // What became of work on a node, as far as it speaks of the node. nullptr: it went well.
  void met(Placement const& placement, Error const* error);
  // Is there more than one node, so that it matters which one a read goes to?
  bool has_choice() const { return nodes_.size() > 1; }
  // Are sessions of the server ours for as long as a connection lives? Not behind a pooler.
  bool keeps_sessions() const { return !shared_sessions_; }
  // Does a node answer that is none of these?
  bool has_other(std::vector<std::size_t> const& nodes) const;

  // The books of the retry budget, kept by whoever repeats: a call is counted once, when its first attempt has
  // failed or it went well; then it had paid so much for its repetitions. pay_for_repeating gives the price that
  // was taken; 0: it must not be repeated.
  void call_counts();
  void call_succeeded(int paid, bool counted);
  int pay_for_repeating(Error const& failure);
  policy::RetryBudget budget() const;
  Duration catch_up_wait() const { return catch_up_wait_; }
  // Who is told of what it and its sessions do. Never nullptr.
  std::shared_ptr<observe::Hub> const& hub() const { return hub_; }

  // Refuses new work and waits until running work has ended or the deadline. What runs then is cancelled
  // on the server, and a fifth of a second later what is still out is cut: a COMMIT, which is never
  // cancelled, then ends in doubt.
  async::Operation<void> close(Deadline deadline);
  bool is_closed() const { return closed_; }

  std::shared_ptr<Topology const> topology() const { return watch_.topology(); }
  // Waits until every node was asked once, or the time for that has passed.
  async::Operation<void> settle(Deadline deadline);
  std::vector<NodeStats> stats() const;
  std::vector<std::shared_ptr<Node>> const& nodes() const { return nodes_; }

 private:
  using Nodes = std::vector<std::shared_ptr<Node>>;
  struct Attempt;
  struct Candidates {
    std::vector<policy::Replica> known;
    policy::Choice choice;
    bool may_fall_back = false;
  };
  bool drained() const;

  async::Operation<Placement> place_on_primary(Attempt attempt, std::vector<Error> failures);
  async::Operation<std::optional<Placement>> try_node(std::shared_ptr<Node> node, Attempt attempt,
                                                      std::vector<Error>& failures);
  async::Operation<std::optional<Placement>> try_replicas(ReadNeeds needs, Deadline deadline,
                                                          std::vector<Error>& failures);
  Candidates candidates(Topology const& topology, ReadNeeds const& needs) const;
  bool is_strong(ReadNeeds const& needs) const;
  std::optional<Placement> take_now(std::size_t index, Attempt const& attempt,
                                    Topology const& topology);
  Nodes primaries(Route route, Topology const& topology) const;
  // The primary that refuses writes, where there is one and no more.
  std::optional<std::size_t> only_read_only(Topology const& topology) const;
  std::vector<policy::Replica> replicas(Topology const& topology) const;
  std::size_t pick(Topology const& topology, std::vector<std::size_t> const& eligible) const;
  [[noreturn]] void give_up(Route route, Topology const& topology,
                            std::vector<Error> failures) const;
  async::Operation<void> look_after(std::shared_ptr<Node> node);
  async::Operation<void> free_silent(Node const& node, Prober& prober, policy::Silence& silence);
  void tell(Node const& node, Finding const& finding) const;

  std::shared_ptr<observe::Hub> const hub_;
  Duration const health_interval_;
  Duration const health_timeout_;
  Duration const silence_;
  bool const shared_sessions_;
  Duration const failover_wait_;
  Duration const catch_up_wait_;
  Audience const audience_;
  std::size_t const waiters_limit_;
  wire::Connection::Options const probe_options_;
  Duration const probe_life_;
  std::shared_ptr<policy::Balancer> const balancer_;
  Deadline const first_look_;
  mutable std::mutex budget_mutex_;
  policy::RetryBudget budget_;  // guarded by budget_mutex_
  async::Loop keeper_;
  Nodes nodes_;  // constant after construction
  Watch watch_;
  std::atomic<std::size_t> waiting_for_primary_{0};
  std::atomic<bool> closed_{false};
  std::thread thread_;
};

}  // namespace moonpool::cluster
