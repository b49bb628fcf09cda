#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/signal.hpp"
#include "cluster/probe.hpp"
#include "cluster/topology.hpp"
#include "observe/hub.hpp"
#include "policy/authority.hpp"
#include "policy/lag.hpp"

namespace moonpool::cluster {

// Keeps the picture of the cluster: takes in what probes find and what statements meet on the way,
// judges who is the primary, publishes, and wakes those who wait for a change. Threads: any.
class Watch {
 public:
  struct Told {
    std::string name;
    Role role = Role::unknown;
  };
  // `interval` zero: nobody probes; roles are then what the servers say of themselves on connections.
  Watch(std::vector<Told> nodes, Duration interval, std::shared_ptr<observe::Hub> hub);

  std::shared_ptr<Topology const> topology() const;
  bool probing() const { return interval_ > Duration::zero(); }

  // What a probe of the node found.
  void take_in(std::size_t node, Finding const& finding);
  // The server said so by itself, on a connection or by refusing a write. A standby is believed at once.
  void take_in_role(std::size_t node, bool standby);
  // A statement or a connection met trouble with it: it is looked at at once.
  void suspect(std::size_t node);

  // Until something newer than `version` is published, or the deadline.
  async::Operation<async::Wakeup> wait_for_news(std::uint64_t version, Deadline deadline);
  // How long the prober of a node sleeps before it looks again, and what wakes it earlier.
  Duration pause(std::size_t node) const;
  async::Signal& nudge(std::size_t node) { return *nudges_[node]; }

  // Called with the number of a node that has been silent for so long that nobody should wait for it while
  // others answer, or (`deposed`) when another one is the primary now; on the thread that found out,
  // without a lock held. Set before the first finding.
  std::function<void(std::size_t node, bool deposed)> on_lost;
  // Called in the same way with the number of a node that is the primary from now on.
  std::function<void(std::size_t node)> on_primary;

 private:
  struct Row {
    policy::Claim claim;
    int failures = 0;  // looks in a row
    double clock = 0;
    bool asked = false;
  };
  class Listener;
  struct Aftermath;

  void judge(Topology& next, Aftermath& after);
  void name_roles(Topology& next, Aftermath& after);
  void publish(std::shared_ptr<Topology> next);
  void tell(Aftermath const& after);

  Duration const interval_;
  std::shared_ptr<observe::Hub> const hub_;
  std::vector<std::unique_ptr<async::Signal>> nudges_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<Topology const> topology_;
  std::vector<Row> rows_;
  policy::Authority authority_;
  policy::Trail trail_;  // of the present primary
  std::optional<std::size_t> last_primary_;
  std::list<async::Signal*> listeners_;
};

}  // namespace moonpool::cluster
