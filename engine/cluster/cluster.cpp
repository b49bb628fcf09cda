#include "cluster/cluster.hpp"

#include <algorithm>
#include <thread>

#include "base/error.hpp"

namespace moonpool::cluster {

using async::Operation;

namespace {

// For what was cancelled to come to its end, before its connection is cut.
constexpr auto kGrace = std::chrono::milliseconds(200);

std::vector<Watch::Told> told(std::vector<std::shared_ptr<Node>> const& nodes,
                              std::vector<NodeOptions> const& options) {
  std::vector<Watch::Told> out;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    out.push_back({nodes[i]->name(), options[i].role});
  }
  return out;
}

std::vector<std::shared_ptr<Node>> make_nodes(ClusterOptions options,
                                              std::shared_ptr<observe::Hub> const& hub,
                                              async::Loop& keeper) {
  options.hub = options.pool.hub = hub;
  std::vector<std::shared_ptr<Node>> nodes;
  nodes.reserve(options.nodes.size());
  for (auto const& node : options.nodes) {
    nodes.push_back(std::make_shared<Node>(node, options, nodes.size(), keeper));
  }
  return nodes;
}

// Between two looks at one node, however often it is suspected.
constexpr auto kLeastPause = std::chrono::milliseconds(20);

}  // namespace

Cluster::Cluster(ClusterOptions options)
    : hub_(options.hub ? options.hub : std::make_shared<observe::Hub>()),
      health_interval_(options.health_interval),
      health_timeout_(options.health_timeout),
      silence_(options.shared_sessions ? Duration::zero() : options.silence),
      shared_sessions_(options.shared_sessions),
      failover_wait_(options.failover_wait),
      catch_up_wait_(options.catch_up_wait),
      audience_(options.audience),
      waiters_limit_(options.pool.waiters_limit()),
      probe_options_{options.pool.statement_cache},
      probe_life_(options.probe_life),
      balancer_(options.balancer ? options.balancer : policy::power_of_two_choices()),
      first_look_(Deadline::in(options.health_timeout + std::chrono::milliseconds(50))),
      budget_(options.budget),
      nodes_(make_nodes(options, hub_, keeper_)),
      watch_(told(nodes_, options.nodes), options.health_interval, hub_) {
  // A server that does not answer will not answer what was asked of it either. Of a primary that is one no
  // more the writes under way are cut too: nobody must wait for what a new primary will never have.
  watch_.on_lost = [this](std::size_t node, bool deposed) {
    nodes_[node]->reads().sever();
    nodes_[node]->fallback().sever();
    if (deposed) nodes_[node]->writes().sever();
  };
  // What it failed at as another one, or before it was gone, says nothing any more.
  watch_.on_primary = [this](std::size_t node) { nodes_[node]->renew_breaker(Route::write); };
  for (auto const& node : nodes_) {
    node->start();
    if (watch_.probing()) keeper_.spawn(look_after(node));
  }
  thread_ = std::thread([this] { keeper_.run(); });
}

Cluster::~Cluster() {
  closed_ = true;
  for (auto const& node : nodes_) node->close();
  // Statements that were left at their deadline are still being cancelled: without that the server would go
  // on with them for nobody.
  for (auto const grace = Deadline::in(kGrace); !drained() && !grace.passed();) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  keeper_.stop();
  thread_.join();
}

// On the keeper, for as long as the cluster lives.
Operation<void> Cluster::look_after(std::shared_ptr<Node> node) {
  Prober prober(node->info(), probe_options_, probe_life_);
  policy::Silence silence(silence_);
  auto const index = node->index();
  while (!closed_) {
    auto looking = prober.look(Deadline::in(health_timeout_));
    auto const finding = co_await std::move(looking);
    if (closed_) co_return;
    if (hub_->wants(observe::Kind::probe)) tell(*node, finding);
    if (finding.seen) node->hint_alive();
    watch_.take_in(index, finding);
    if (finding.seen && silence_ > Duration::zero()) {
      auto freeing = free_silent(*node, prober, silence);
      co_await std::move(freeing);
    }
    auto pausing = async::sleep_until(Deadline::in(kLeastPause));
    co_await std::move(pausing);
    auto waiting = watch_.nudge(index).wait(Deadline::in(watch_.pause(index)));
    co_await std::move(waiting);
  }
}

// Reads only: they are run again. A write whose answer is lost is in doubt, and its own deadline is soon enough for
// that.
Operation<void> Cluster::free_silent(Node const& node, Prober& prober, policy::Silence& silence) {
  auto reaches = node.reads().awaited();
  auto const others = node.fallback().awaited();
  reaches.insert(reaches.end(), others.begin(), others.end());
  std::vector<policy::Awaited> awaited;
  for (auto const& reach : reaches) {
    if (reach->has_unread()) continue;
    awaited.push_back({reach.get(), reach->beats(), reach->pid(), reach->opened()});
  }
  auto pids = silence.suspects(awaited);
  if (pids.empty()) co_return;
  auto asking = prober.ask_about(std::move(pids), Deadline::in(health_timeout_));
  auto const backends = co_await std::move(asking);
  auto const silent = silence.judge(backends, Clock::now());
  for (auto const& reach : reaches) {
    if (std::ranges::find(silent, reach.get()) == silent.end()) continue;
    // Unless its answer came while the server was asked.
    if (!reach->awaited() || reach->has_unread()) continue;
    reach->cut();
    hub_->log({observe::Level::warning,
               "connection.silent",
               node.name() + " has answered, and nothing came: the connection is given up",
               {{"node", node.name()}, {"pid", std::to_string(reach->pid())}}});
  }
}

void Cluster::tell(Node const& node, Finding const& finding) const {
  observe::Activity activity;
  activity.kind = observe::Kind::probe;
  activity.stage = observe::Stage::end;
  activity.node = node.name();
  activity.took = finding.round_trip;
  activity.error = finding.failure ? &*finding.failure : nullptr;
  hub_->see(activity);
}

Operation<void> Cluster::settle(Deadline deadline) {
  while (!first_look_.passed() && !deadline.passed()) {
    auto const topology = watch_.topology();
    if (topology->settled) co_return;
    auto waiting = watch_.wait_for_news(topology->version, deadline.earlier(first_look_));
    auto const wakeup = co_await std::move(waiting);
    if (wakeup == async::Wakeup::cancelled) {
      throw Error(ErrorKind::cancelled, "cancelled while the cluster was looked at")
          .at(Phase::acquire, Outcome::not_sent);
    }
  }
}

bool Cluster::has_other(std::vector<std::size_t> const& nodes) const {
  auto const topology = watch_.topology();
  return std::ranges::any_of(nodes_, [&](auto const& node) {
    return topology->nodes[node->index()].alive &&
           std::ranges::find(nodes, node->index()) == nodes.end();
  });
}

void Cluster::call_counts() {
  std::lock_guard const lock(budget_mutex_);
  if (budget_.counts()) budget_.called(Clock::now());
}

void Cluster::call_succeeded(int paid, bool counted) {
  std::lock_guard const lock(budget_mutex_);
  if (!counted && budget_.counts()) budget_.called(Clock::now());
  budget_.succeeded(paid);
}

int Cluster::pay_for_repeating(Error const& failure) {
  std::lock_guard const lock(budget_mutex_);
  return budget_.take(failure, Clock::now());
}

policy::RetryBudget Cluster::budget() const {
  std::lock_guard const lock(budget_mutex_);
  return budget_;
}

bool Cluster::may_write(Placement const& placement) const {
  if (!watch_.probing()) return true;
  auto const topology = watch_.topology();
  auto const index = placement.node->index();
  if (topology->primary) return topology->primary == index;
  return topology->nodes[index].refusal == policy::Refusal::none;
}

Operation<bool> Cluster::takes_writes(std::size_t node, Deadline deadline) {
  auto seen = watch_.topology();
  if (!watch_.probing()) co_return seen->nodes[node].role != Role::replica;
  auto const looks = seen->nodes[node].looks;
  auto const limit = deadline.earlier_in(health_timeout_);
  watch_.suspect(node);
  while (seen->nodes[node].looks == looks && !limit.passed()) {
    auto waiting = watch_.wait_for_news(seen->version, limit);
    if (co_await std::move(waiting) == async::Wakeup::cancelled) {
      throw Error(ErrorKind::cancelled, "cancelled while waiting for news of who takes writes")
          .at(Phase::acquire, Outcome::rejected);
    }
    seen = watch_.topology();
  }
  co_return seen->primary == node;
}

void Cluster::met(Placement const& placement, Error const* error) {
  auto const index = placement.node->index();
  if (error != nullptr) {
    bool const misplaced = error->retry_class() == RetryClass::reroute;
    if (misplaced || error->trips_breaker()) watch_.suspect(index);
    if (error->poisons_connection()) return;
  }
  // What the server says of its role is as of its last answer on this connection.
  if (!placement.lease || !placement.lease.is_open()) return;
  bool const standby = placement.lease.on_standby();
  if (standby == placement.on_primary) watch_.take_in_role(index, standby);
}

bool Cluster::drained() const {
  return std::ranges::all_of(nodes_, [](auto const& node) { return node->is_empty(); });
}

Operation<void> Cluster::close(Deadline deadline) {
  closed_ = true;
  for (auto const& node : nodes_) node->close();
  auto const grace = deadline.is_never() ? deadline : Deadline(deadline.at() + kGrace);
  bool told = false;
  while (!drained() && !grace.passed()) {
    if (deadline.passed() && !told) {
      told = true;
      for (auto const& node : nodes_) node->cancel_leases();
    }
    auto const limit = told ? grace : deadline;
    auto sleeping = async::sleep_until(limit.earlier_in(std::chrono::milliseconds(5)));
    if (co_await std::move(sleeping) == async::Wakeup::cancelled) break;
  }
  for (auto const& node : nodes_) node->cut_leases();
  // The connections that look at the nodes go with their loops.
  for (std::size_t i = 0; i < nodes_.size(); ++i) watch_.nudge(i).set();
}

std::vector<NodeStats> Cluster::stats() const {
  auto const topology = watch_.topology();
  std::vector<NodeStats> out;
  out.reserve(nodes_.size());
  for (auto const& node : nodes_) {
    out.push_back({node->name(), topology->nodes[node->index()].role,
                   node->breaker_state(Route::write), node->breaker_state(Route::read),
                   node->forced(), node->writes().stats(), node->reads().stats(),
                   node->fallback().stats()});
  }
  return out;
}

}  // namespace moonpool::cluster
