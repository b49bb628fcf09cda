#include "cluster/watch.hpp"

#include <algorithm>

#include "policy/random.hpp"

namespace moonpool::cluster {

using async::Operation;
using async::Wakeup;

namespace {

// Between looks at a node in trouble: soon, but not as a hammer.
constexpr auto kSoon = std::chrono::milliseconds(50);
constexpr std::size_t kChangesKept = 32;

// One look that was not answered in time may be the network's or the scheduler's fault; a refused or broken
// connection may not.
constexpr int kSilencesUntilDown = 2;
// A server that is merely busy comes back before that; whoever waits for one that does not is set free.
constexpr int kSilencesUntilGivenUp = 4;

}  // namespace

// The server is there and turns our login away: full, or closed to us. That says nothing of what it is.
bool turns_away(Error const& failure) {
  auto const& code = failure.sqlstate();
  return code.starts_with("28") || code.starts_with("3D") || code.starts_with("53") ||
         code == "42501" || code == "55000";
}

// A name that led to one server leads to another now, which was promoted after it: a failover behind one address.
bool has_moved(std::optional<policy::Sighting> const& before, policy::Sighting const& now) {
  return before && !now.standby && before->instance != now.instance &&
         before->position.system == now.position.system &&
         before->position.timeline < now.position.timeline;
}

// What is to be done once the lock is let go.
struct Watch::Aftermath {
  std::vector<observe::Event> events;
  std::vector<RoleChange> roles;
  std::vector<std::pair<std::size_t, bool>> lost;
  std::optional<std::size_t> primary;  // a new one
  bool look_everywhere = false;
};

class Watch::Listener {
 public:
  explicit Listener(Watch& watch) : watch_(watch) {
    std::lock_guard const lock(watch_.mutex_);
    place_ = watch_.listeners_.insert(watch_.listeners_.end(), &signal);
  }
  Listener(Listener const&) = delete;
  Listener& operator=(Listener const&) = delete;
  ~Listener() {
    std::lock_guard const lock(watch_.mutex_);
    watch_.listeners_.erase(place_);
  }
  async::Signal signal;

 private:
  Watch& watch_;
  std::list<async::Signal*>::iterator place_;
};

Watch::Watch(std::vector<Told> nodes, Duration interval, std::shared_ptr<observe::Hub> hub)
    : interval_(interval), hub_(std::move(hub)), rows_(nodes.size()) {
  auto first = std::make_shared<Topology>();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nudges_.push_back(std::make_unique<async::Signal>());
    rows_[i].claim.told = nodes[i].role == Role::primary;
    NodeView view;
    view.name = nodes[i].name;
    view.role = nodes[i].role;
    view.alive = !probing();
    first->nodes.push_back(std::move(view));
  }
  first->settled = !probing();
  topology_ = std::move(first);
}

std::shared_ptr<Topology const> Watch::topology() const {
  std::lock_guard const lock(mutex_);
  return topology_;
}

void Watch::publish(std::shared_ptr<Topology> next) {
  next->version = topology_->version + 1;
  topology_ = std::move(next);
  for (auto* listener : listeners_) listener->set();
}

void Watch::tell(Aftermath const& after) {
  for (auto const& event : after.events) hub_->log(event);
  for (auto const& change : after.roles) {
    observe::Activity activity;
    activity.kind = observe::Kind::role;
    activity.node = change.node;
    activity.from = to_string(change.from);
    activity.to = to_string(change.to);
    activity.timeline = change.timeline;
    hub_->see(activity);
  }
  for (auto const& [node, deposed] : after.lost) {
    if (on_lost) on_lost(node, deposed);
  }
  if (after.primary && on_primary) on_primary(*after.primary);
  if (after.look_everywhere) {
    for (auto const& nudge : nudges_) nudge->set();
  }
}

Duration Watch::pause(std::size_t node) const {
  std::lock_guard const lock(mutex_);
  bool const suspected = rows_[node].failures > 0 && rows_[node].failures < kSilencesUntilGivenUp;
  if (suspected) return kSoon;
  if (!topology_->primary && topology_->had_primary) {
    return std::max<Duration>(interval_ / 5, kSoon);
  }
  auto const spread = 0.8 + 0.4 * policy::random_unit();
  return std::chrono::duration_cast<Duration>(interval_ * spread);
}

void Watch::suspect(std::size_t node) {
  if (probing()) nudges_[node]->set();
}

void Watch::take_in_role(std::size_t node, bool standby) {
  auto const role = standby ? Role::replica : Role::primary;
  Aftermath after;
  {
    std::lock_guard const lock(mutex_);
    auto const known = topology_->nodes[node].role;
    if (known == role) return;
    if (probing() && (!standby || !rows_[node].claim.seen)) {
      // Which timeline a new primary is on is for a probe to find out.
      nudges_[node]->set();
      return;
    }
    auto next = std::make_shared<Topology>(*topology_);
    if (probing()) {
      rows_[node].claim.seen->standby = true;
      judge(*next, after);
    } else {
      next->nodes[node].role = role;
    }
    publish(std::move(next));
  }
  nudges_[node]->set();
  tell(after);
}

void Watch::take_in(std::size_t node, Finding const& finding) {
  Aftermath after;
  {
    std::lock_guard const lock(mutex_);
    auto next = std::make_shared<Topology>(*topology_);
    auto& row = rows_[node];
    auto& view = next->nodes[node];
    bool const was_alive = row.claim.alive;
    bool const first = !row.asked;
    row.asked = true;
    ++view.looks;
    if (finding.seen) {
      row.failures = 0;
      row.claim.alive = true;
      if (has_moved(row.claim.seen, *finding.seen)) {
        after.lost.emplace_back(node, true);
        after.events.push_back(
            {observe::Level::warning,
             "node.moved",
             view.name + " is another server now, promoted after the one that it was: "
                         "connections to that one are given up",
             {{"node", view.name}, {"timeline", std::to_string(finding.seen->position.timeline)}}});
      }
      // Between restart points a standby's own idea of its timeline is late, never early.
      auto seen = *finding.seen;
      if (seen.standby && row.claim.seen &&
          row.claim.seen->position.system == seen.position.system) {
        seen.position.timeline =
            std::max(seen.position.timeline, row.claim.seen->position.timeline);
      }
      row.claim.seen = seen;
      row.clock = finding.clock;
      view.seen = seen;
      view.at = finding.at;
      view.round_trip = finding.round_trip;
      view.failure.reset();
    } else if (row.claim.alive && turns_away(*finding.failure)) {
      // Its connections go on, and others may be let in; nobody else is what it was.
      row.failures = 0;
      if (!view.failure) {
        after.events.push_back(
            {observe::Level::warning,
             "node.unseen",
             view.name + " lets nobody in to look at it: " + finding.failure->message(),
             {{"node", view.name}, {"role", std::string(to_string(view.role))}}});
      }
      view.failure = finding.failure;
    } else {
      ++row.failures;
      bool const silent = finding.failure->kind() == ErrorKind::timeout;
      if (!silent || row.failures >= kSilencesUntilDown || first) row.claim.alive = false;
      view.failure = finding.failure;
    }
    view.alive = row.claim.alive;
    next->settled = std::ranges::all_of(rows_, &Row::asked);
    judge(*next, after);
    if (finding.seen && next->primary == node) {
      trail_.note(finding.at, finding.seen->position.lsn, finding.clock);
      view.lag = {0, Duration::zero()};
    } else if (finding.seen && finding.seen->standby) {
      // One that did not follow a promotion may have what the others have lost: numbers of two histories.
      bool const astray =
          finding.knows_timeline && finding.seen->position.timeline < authority_.timeline();
      view.lag = astray ? policy::Lag{}
                        : trail_.behind(finding.at, finding.seen->position.lsn, finding.committed,
                                        3 * interval_);
    } else if (!finding.seen) {
      view.lag = {};
    }
    if (view.alive && !was_alive && !first) {
      after.events.push_back({observe::Level::info,
                              "node.up",
                              view.name + " answers again",
                              {{"node", view.name}, {"role", std::string(to_string(view.role))}}});
    }
    if (!view.alive && (was_alive || first)) {
      bool const refuses = turns_away(*finding.failure);
      after.events.push_back({observe::Level::warning,
                              "node.down",
                              view.name + (refuses ? " lets nobody in: " : " does not answer: ") +
                                  finding.failure->message(),
                              {{"node", view.name}, {"role", std::string(to_string(view.role))}}});
    }
    bool const elsewhere = std::ranges::count(next->nodes, true, &NodeView::alive) > 0;
    // Refused or reset: nothing of it is there any more.
    bool const gone = !view.alive && (was_alive || first) &&
                      finding.failure->kind() == ErrorKind::connection &&
                      finding.failure->sqlstate().empty();
    if (elsewhere && (gone || row.failures == kSilencesUntilGivenUp)) {
      after.lost.emplace_back(node, false);
    }
    publish(std::move(next));
  }
  tell(after);
}

// Who is the primary now, and what there is to say about it.
void Watch::judge(Topology& next, Aftermath& after) {
  std::vector<policy::Claim> claims;
  claims.reserve(rows_.size());
  for (auto const& row : rows_) claims.push_back(row.claim);
  auto const verdict = authority_.judge(claims, next.settled);
  auto const before = next.primary;
  next.primary = verdict.primary;
  next.had_primary = next.had_primary || verdict.primary;
  next.history = {authority_.system(), authority_.timeline(), 0};
  next.split_brain = false;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    auto& view = next.nodes[i];
    auto const refusal = verdict.refusals[i];
    next.split_brain = next.split_brain || refusal == policy::Refusal::split_brain;
    if (refusal != view.refusal && refusal != policy::Refusal::none) {
      auto const& at = rows_[i].claim.seen->position;
      std::string_view const why =
          refusal == policy::Refusal::split_brain
              ? "takes itself for the primary, and so does another node on the same timeline: "
                "nothing is written until one of them is gone"
          : refusal == policy::Refusal::old_timeline
              ? "takes itself for the primary, but another node was promoted after it: nothing is "
                "written to it until it has rejoined as a replica"
          : refusal == policy::Refusal::foreign_system
              ? "is a server of another database cluster: it is left alone"
              : "is a primary that refuses writes (default_transaction_read_only)";
      after.events.push_back(
          {refusal == policy::Refusal::read_only ? observe::Level::warning : observe::Level::error,
           "node.refused",
           view.name + " " + std::string(why),
           {{"node", view.name},
            {"reason", std::string(to_string(refusal))},
            {"timeline", std::to_string(at.timeline)},
            {"system", std::to_string(at.system)}}});
    }
    view.refusal = refusal;
  }
  if (before != next.primary) {
    trail_.clear();
    if (next.primary && last_primary_ && last_primary_ != next.primary) {
      after.lost.emplace_back(*last_primary_, true);
    }
    if (next.primary) {
      // The word that ends cluster.no_primary, whatever the reason for that was.
      if (last_primary_) {
        after.events.push_back({observe::Level::info,
                                "cluster.primary",
                                next.nodes[*next.primary].name + " takes writes now",
                                {{"node", next.nodes[*next.primary].name},
                                 {"last", next.nodes[*last_primary_].name},
                                 {"timeline", std::to_string(authority_.timeline())}}});
      }
      last_primary_ = after.primary = next.primary;
    }
    if (!next.primary) {
      after.look_everywhere = true;
      after.events.push_back({observe::Level::warning,
                              "cluster.no_primary",
                              "no node takes writes at the moment; they wait for one",
                              {{"last", next.nodes[*before].name}}});
    }
  }
  name_roles(next, after);
}

void Watch::name_roles(Topology& next, Aftermath& after) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    auto& view = next.nodes[i];
    auto const& seen = rows_[i].claim.seen;
    if (!seen) continue;
    auto const role = seen->standby ? Role::replica : Role::primary;
    if (role == view.role) continue;
    auto const before = std::exchange(view.role, role);
    next.changes.push_back(
        {std::chrono::system_clock::now(), view.name, before, role, seen->position.timeline});
    if (next.changes.size() > kChangesKept) next.changes.erase(next.changes.begin());
    after.roles.push_back(next.changes.back());
  }
}

Operation<Wakeup> Watch::wait_for_news(std::uint64_t version, Deadline deadline) {
  Listener listener(*this);
  if (topology()->version != version) co_return Wakeup::ready;
  auto waiting = listener.signal.wait(deadline);
  auto const wakeup = co_await std::move(waiting);
  co_return wakeup;
}

}  // namespace moonpool::cluster
