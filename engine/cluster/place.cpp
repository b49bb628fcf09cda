// Which node serves a statement, and a connection on it.
#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "cluster/cluster.hpp"

namespace moonpool::cluster {

using async::Operation;

struct Cluster::Attempt {
  Route route = Route::read;
  Purpose purpose = Purpose::read;
  bool insist = false;
  Deadline deadline;
  std::optional<pool::Ticket> ticket;
  bool elsewhere = false;  // there are others to try after this one
};

namespace {

// So many times a primary that looks well may turn a caller away before it is believed.
constexpr int kMostRefusals = 3;

Error refused_by_breaker(Node const& node, Passage const& passage) {
  auto const ms = std::chrono::ceil<std::chrono::milliseconds>(passage.retry_after());
  Error refused(ErrorKind::circuit_open, "the breaker of " + node.name() +
                                             " is open; it lets somebody try in " +
                                             std::to_string(ms.count()) + " ms");
  return refused.at(Phase::acquire, Outcome::not_sent).on_node(node.name());
}

// The caller's own doing: another node, or waiting, does not help.
bool is_crowded(Error const& error) {
  return error.kind() == ErrorKind::pool_timeout || error.kind() == ErrorKind::pool_overloaded;
}

bool ends_the_search(Error const& error) {
  return error.kind() == ErrorKind::cluster_closed || error.kind() == ErrorKind::cancelled ||
         error.kind() == ErrorKind::self_deadlock;
}

// A server that cannot be reached, or is starting: it may be the primary, or be replaced as one in a moment.
NodeView const* who_may_come(Topology const& topology) {
  if (std::ranges::none_of(topology.nodes, &NodeView::alive)) return nullptr;
  for (auto const& node : topology.nodes) {
    if (node.alive) continue;
    bool const refused = node.failure && !node.failure->sqlstate().empty() &&
                         !node.failure->sqlstate().starts_with("57");
    if (!refused) return &node;
  }
  return nullptr;
}

// Counts callers that wait for a primary, and turns away those who are too many.
class Queue {
 public:
  Queue(std::atomic<std::size_t>& count, std::size_t most) : count_(count) {
    if (count_.fetch_add(1) < most) return;
    --count_;
    throw Error(ErrorKind::pool_overloaded,
                std::to_string(most) + " callers wait for a new primary already")
        .at(Phase::acquire, Outcome::not_sent);
  }
  Queue(Queue const&) = delete;
  Queue& operator=(Queue const&) = delete;
  ~Queue() { --count_; }

 private:
  std::atomic<std::size_t>& count_;
};

}  // namespace

Operation<Placement> Cluster::place(Route route, Deadline deadline,
                                    std::optional<pool::Ticket> ticket) {
  if (route == Route::read) {
    ReadNeeds needs;
    needs.ticket = ticket;
    auto placing = place_read(std::move(needs), deadline);
    auto placed = co_await std::move(placing);
    co_return placed;
  }
  auto placing = place_on_primary({Route::write, Purpose::write, false, deadline, ticket}, {});
  auto placed = co_await std::move(placing);
  co_return placed;
}

// Who may be the primary: known from probes, else from what the servers said on connections. One that refuses
// writes has all there is to read.
Cluster::Nodes Cluster::primaries(Route route, Topology const& topology) const {
  if (watch_.probing()) {
    if (topology.primary) return {nodes_[*topology.primary]};
    auto const only = route == Route::read ? only_read_only(topology) : std::nullopt;
    if (only) return {nodes_[*only]};
    return {};
  }
  Nodes out;
  for (auto wanted : {Role::primary, Role::unknown}) {
    for (auto const& node : nodes_) {
      if (topology.nodes[node->index()].role == wanted) out.push_back(node);
    }
  }
  return out;
}

std::optional<std::size_t> Cluster::only_read_only(Topology const& topology) const {
  std::optional<std::size_t> only;
  for (auto const& node : nodes_) {
    if (topology.nodes[node->index()].refusal != policy::Refusal::read_only) continue;
    if (only) return std::nullopt;
    only = node->index();
  }
  return only;
}

void Cluster::give_up(Route route, Topology const& topology, std::vector<Error> failures) const {
  bool const any_alive = std::ranges::any_of(topology.nodes, &NodeView::alive);
  if (failures.empty() && !any_alive) {
    for (auto const& node : topology.nodes) {
      if (!node.failure) continue;
      auto failure = *node.failure;
      failures.push_back(failure.at(Phase::connect, Outcome::not_sent).on_node(node.name));
    }
  }
  if (!failures.empty()) {
    auto last = failures.back();
    if (failures.size() > 1) last.because(std::move(failures));
    throw Error(last);
  }
  bool const write = route == Route::write;
  auto const read_only = only_read_only(topology);
  auto const* const away = who_may_come(topology);
  std::string message =
      !write ? "no node of this cluster can serve this read"
      : audience_ == Audience::standby
          ? "this connection string asks for standbys only: nothing is written"
      : topology.split_brain ? "several nodes take themselves for the primary on one timeline: "
                               "nothing is written until one of them is gone"
      : read_only            ? nodes_[*read_only]->name() +
                        " is the primary, and refuses writes (default_transaction_read_only)"
      : topology.had_primary ? "there is no primary at the moment"
      : away != nullptr
          ? "none of the nodes that answer is a primary, and " + away->name + " does not answer" +
                (away->failure ? ": " + away->failure->message() : "")
          : "no node of this cluster takes writes: all are replicas";
  throw Error(write ? ErrorKind::no_primary : ErrorKind::no_healthy_node, std::move(message))
      .at(Phase::acquire, Outcome::not_sent);
}

// A connection on this node, or nothing, with the reason added to `failures`. Throws what makes it
// pointless to try another.
Operation<std::optional<Placement>> Cluster::try_node(std::shared_ptr<Node> node, Attempt attempt,
                                                      std::vector<Error>& failures) {
  auto passage = attempt.insist ? node->insist(attempt.route) : node->ask(attempt.route);
  if (!passage) {
    failures.push_back(refused_by_breaker(*node, passage));
    co_return std::nullopt;
  }
  std::optional<Error> failure;
  try {
    for (int round = 0;; ++round) {
      auto acquiring =
          node->pool(attempt.purpose).acquire(attempt.deadline, attempt.ticket, attempt.elsewhere);
      auto lease = co_await std::move(acquiring);
      bool const standby = lease.on_standby();
      if (!watch_.probing()) watch_.take_in_role(node->index(), standby);
      if (attempt.route == Route::write && standby) {
        // As of its last answer: the server may have been promoted since. A new connection knows.
        if (round == 0 && watch_.probing()) {
          lease.discard();
          node->writes().recycle();
          continue;
        }
        watch_.take_in_role(node->index(), true);
        co_return std::nullopt;
      }
      Placement placement{std::move(lease), node, std::move(passage), {}, 0, !standby};
      placement.history = watch_.topology()->history;
      co_return placement;
    }
  } catch (Error const& error) {
    failure = error;
  }
  passage.settle(&*failure);
  if (failure->trips_breaker()) watch_.suspect(node->index());
  if (ends_the_search(*failure) || attempt.deadline.passed()) throw Error(*failure);
  failures.push_back(*failure);
  co_return std::nullopt;
}

Operation<Placement> Cluster::place_on_primary(Attempt attempt, std::vector<Error> failures) {
  auto const route = attempt.route;
  auto const deadline = attempt.deadline;
  if (closed_) {
    throw Error(ErrorKind::cluster_closed, "this cluster was closed")
        .at(Phase::acquire, Outcome::not_sent);
  }
  if (audience_ == Audience::standby) give_up(route, *watch_.topology(), std::move(failures));
  auto settling = settle(deadline);
  co_await std::move(settling);
  auto const limit = deadline.earlier_in(failover_wait_);
  std::optional<Queue> queue;
  for (int refusals = 0;;) {
    auto const topology = watch_.topology();
    for (auto const& node : primaries(route, *topology)) {
      auto trying = try_node(node, attempt, failures);
      auto placed = co_await std::move(trying);
      // Waiting for the connection may have taken longer than the node stayed the primary.
      if (placed && (route == Route::read || may_write(*placed))) {
        placed->on_primary = true;
        co_return std::move(*placed);
      }
    }
    if (topology->primary && ++refusals >= kMostRefusals) {
      give_up(route, *topology, std::move(failures));
    }
    if (!failures.empty() && is_crowded(failures.back())) {
      give_up(route, *topology, std::move(failures));
    }
    bool const worth_it = watch_.probing() && has_choice() &&
                          (topology->had_primary || who_may_come(*topology) != nullptr);
    if (!worth_it || limit.passed()) give_up(route, *topology, std::move(failures));
    if (!queue) queue.emplace(waiting_for_primary_, waiters_limit_);
    // News of somebody else's health is no reason to try the same node again.
    auto const tried = topology->primary;
    for (auto seen = topology; !limit.passed() && !closed_;) {
      auto waiting = watch_.wait_for_news(seen->version, limit);
      auto const wakeup = co_await std::move(waiting);
      if (wakeup == async::Wakeup::cancelled) {
        throw Error(ErrorKind::cancelled, "cancelled while waiting for a primary")
            .at(Phase::acquire, Outcome::not_sent);
      }
      seen = watch_.topology();
      bool const same = seen->primary == tried;
      if (!same) break;
      if (tried && seen->nodes[*tried].looks != topology->nodes[*tried].looks) break;
    }
    if (closed_) {
      throw Error(ErrorKind::cluster_closed, "this cluster was closed")
          .at(Phase::acquire, Outcome::not_sent);
    }
    // What was tried before the wait is told only when nothing else is left to tell.
    if (!limit.passed()) failures.clear();
  }
}

std::vector<policy::Replica> Cluster::replicas(Topology const& topology) const {
  std::vector<policy::Replica> out(nodes_.size());
  auto const now = Clock::now();
  for (auto const& node : nodes_) {
    auto const& view = topology.nodes[node->index()];
    auto& replica = out[node->index()];
    if (watch_.probing()) {
      replica.serves = view.alive && view.seen && view.seen->standby &&
                       view.refusal == policy::Refusal::none &&
                       now - view.at <= 3 * health_interval_ + health_timeout_;
      if (view.seen) replica.applied = view.seen->position;
    } else {
      replica.serves = view.role != Role::primary;
    }
    if (!replica.serves) continue;
    replica.lag = view.lag;
    // Half open it lets somebody try; whoever comes beside that goes on to the next.
    replica.shut = node->breaker_state(Route::read) == policy::Breaker::State::open;
  }
  return out;
}

std::size_t Cluster::pick(Topology const& topology,
                          std::vector<std::size_t> const& eligible) const {
  if (eligible.size() == 1) return 0;
  std::vector<policy::Contender> contenders;
  contenders.reserve(eligible.size());
  for (auto i : eligible) {
    contenders.push_back(
        {nodes_[i]->name(), nodes_[i]->reads_in_flight(), topology.nodes[i].round_trip});
  }
  auto const chosen = balancer_->choose(contenders);
  return chosen < eligible.size() ? chosen : 0;
}

// Which replicas may serve the read, the best first, and whether the primary would do instead.
Cluster::Candidates Cluster::candidates(Topology const& topology, ReadNeeds const& needs) const {
  Candidates out;
  out.known = replicas(topology);
  auto const avoided = [&](std::size_t i) {
    return std::ranges::find(needs.avoid, i) != needs.avoid.end();
  };
  // Where it has failed it goes again only when there is nobody else, the primary neither.
  out.may_fall_back = topology.primary && audience_ != Audience::standby &&
                      needs.reading.fallback == policy::Fallback::primary;
  auto& known = out.known;
  bool others = out.may_fall_back && !needs.avoid.empty() && !avoided(*topology.primary);
  for (std::size_t i = 0; i < known.size(); ++i)
    others = others || (known[i].serves && !avoided(i));
  for (std::size_t i = 0; others && i < known.size(); ++i) {
    if (avoided(i)) known[i].serves = false;
  }
  out.choice = policy::choose_replicas(known, needs.reading, needs.seen);
  if (needs.reading.fallback != policy::Fallback::stale) out.choice.stale.clear();
  return out;
}

// Is it for the primary, whatever replicas there are?
bool Cluster::is_strong(ReadNeeds const& needs) const {
  return needs.reading.consistency == policy::Consistency::strong || audience_ == Audience::primary;
}

Operation<std::optional<Placement>> Cluster::try_replicas(ReadNeeds needs, Deadline deadline,
                                                          std::vector<Error>& failures) {
  auto const topology = watch_.topology();
  auto [known, choice, may_fall_back] = candidates(*topology, needs);
  for (auto* eligible : {&choice.ready, &choice.behind, &choice.stale}) {
    while (!eligible->empty()) {
      auto const place = pick(*topology, *eligible);
      auto const index = (*eligible)[place];
      eligible->erase(eligible->begin() + static_cast<std::ptrdiff_t>(place));
      Attempt attempt{Route::read, Purpose::read, known[index].shut, deadline, needs.ticket};
      attempt.elsewhere =
          may_fall_back || choice.ready.size() + choice.behind.size() + choice.stale.size() != 0;
      auto trying = try_node(nodes_[index], attempt, failures);
      auto placed = co_await std::move(trying);
      if (!placed) continue;
      placed->on_primary = false;
      if (eligible == &choice.behind) placed->must_have = needs.seen.lsn;
      co_return placed;
    }
  }
  co_return std::nullopt;
}

// A connection of this node that is free now.
std::optional<Placement> Cluster::take_now(std::size_t index, Attempt const& attempt,
                                           Topology const& topology) {
  auto const& node = nodes_[index];
  auto passage = attempt.insist ? node->insist(attempt.route) : node->ask(attempt.route);
  if (!passage) return std::nullopt;
  auto lease = node->pool(attempt.purpose).acquire_now(attempt.ticket);
  if (!lease) return std::nullopt;
  if (attempt.route == Route::write && lease->on_standby()) return std::nullopt;
  return Placement{std::move(*lease), node, std::move(passage),
                   topology.history,  0,    topology.primary == index};
}

// Only the first choice, and only what has nothing to prove: the one primary for a write, a replica that has
// everything for a read.
std::optional<Placement> Cluster::place_now(Route route, ReadNeeds const& needs) {
  auto const topology = watch_.topology();
  if (!watch_.probing() || !topology->settled || closed_) return std::nullopt;
  bool const writes = route == Route::write;
  Attempt attempt{route, writes ? Purpose::write : Purpose::read, false, {}, needs.ticket};
  bool const alone =
      !has_choice() && topology->primary && needs.reading.fallback != policy::Fallback::error;
  if (writes || is_strong(needs) || alone) {
    if (!topology->primary || audience_ == Audience::standby) return std::nullopt;
    return take_now(*topology->primary, attempt, *topology);
  }
  if (needs.only_primary_sees()) return std::nullopt;
  auto const found = candidates(*topology, needs);
  auto const& ready = found.choice.ready;
  if (ready.empty()) return std::nullopt;
  auto const index = ready[pick(*topology, ready)];
  attempt.insist = found.known[index].shut;
  return take_now(index, attempt, *topology);
}

Operation<Placement> Cluster::place_read(ReadNeeds needs, Deadline deadline) {
  if (closed_) {
    throw Error(ErrorKind::cluster_closed, "this cluster was closed")
        .at(Phase::acquire, Outcome::not_sent);
  }
  auto settling = settle(deadline);
  co_await std::move(settling);
  std::vector<Error> failures;
  bool const strong = is_strong(needs);
  if (!strong && !needs.only_primary_sees()) {
    auto trying = try_replicas(needs, deadline, failures);
    auto placed = co_await std::move(trying);
    if (placed) co_return std::move(*placed);
  }
  bool const nowhere_else =
      audience_ == Audience::standby || needs.reading.fallback == policy::Fallback::error;
  if (!strong && nowhere_else) {
    give_up(Route::read, *watch_.topology(), std::move(failures));
  }
  // On the primary, few at once where replicas should have done it.
  auto const purpose = strong || !has_choice() ? Purpose::read : Purpose::fallback;
  auto placing =
      place_on_primary({Route::read, purpose, false, deadline, needs.ticket}, std::move(failures));
  auto placed = co_await std::move(placing);
  co_return placed;
}

}  // namespace moonpool::cluster
