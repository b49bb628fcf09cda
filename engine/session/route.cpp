// Where a session's statements go, and what it remembers of where its writes went.
#include "base/error.hpp"
#include "session/session.hpp"

namespace moonpool::session {

using async::Operation;
using cluster::Placement;
using cluster::Route;

namespace {

// pg_catalog by name: nobody's search_path decides what they mean.
constexpr auto kApplied = "select pg_catalog.pg_last_wal_replay_lsn()";

// A token that says where nothing of the kind is known.
constexpr std::string_view kOnlyPrimary = "primary";

// Between questions whether a replica has caught up.
constexpr std::chrono::milliseconds kPauses[] = {
    std::chrono::milliseconds(1), std::chrono::milliseconds(2), std::chrono::milliseconds(5),
    std::chrono::milliseconds(10), std::chrono::milliseconds(20)};

bool has(std::optional<std::string> const& told, policy::Lsn wanted) {
  auto const lsn = told ? policy::parse_lsn(*told) : std::nullopt;
  return lsn && *lsn >= policy::all_before(wanted);
}

}  // namespace

std::string Session::position_token() const {
  auto const seen = memory_->seen();
  return seen.certain ? policy::to_string(seen.position) : std::string(kOnlyPrimary);
}

bool Session::observe_token(std::string_view token) {
  if (token == kOnlyPrimary) {
    memory_->forget_where();
    return true;
  }
  auto const position = policy::parse_position(token);
  if (position && position->somewhere()) memory_->learn(*position);
  return position.has_value();
}

cluster::ReadNeeds Session::needs_of(RunOptions const& options) const {
  cluster::ReadNeeds needs;
  needs.reading = habits_.reading;
  if (options.consistency) needs.reading.consistency = *options.consistency;
  if (options.fallback) needs.reading.fallback = *options.fallback;
  if (options.max_lag > Duration::zero()) needs.reading.max_lag = options.max_lag;
  if (!cluster_->has_choice()) return needs;
  auto const seen = memory_->seen();
  needs.seen = seen.position;
  needs.uncertain = !seen.certain;
  return needs;
}

Operation<Placement> Session::place(RunOptions options, std::vector<std::size_t> avoid,
                                    std::optional<pool::Ticket> ticket, Deadline deadline) {
  auto needs = needs_of(options);
  needs.avoid = std::move(avoid);
  needs.ticket = ticket;
  WatchedAcquire watched(*cluster_->hub(), habits_, options.route, options.attempt);
  try {
    auto placing = options.route == Route::read ? cluster_->place_read(std::move(needs), deadline)
                                                : cluster_->place(Route::write, deadline, ticket);
    auto placement = co_await std::move(placing);
    watched.found(placement);
    co_return placement;
  } catch (Error const& error) {
    watched.failed(error);
    throw;
  }
}

std::optional<Placement> Session::place_now(RunOptions const& options,
                                            std::vector<std::size_t> const& avoid,
                                            std::optional<pool::Ticket> const& ticket) const {
  cluster::ReadNeeds needs;
  if (options.route == Route::read) needs = needs_of(options);
  needs.avoid = avoid;
  needs.ticket = ticket;
  WatchedAcquire watched(*cluster_->hub(), habits_, options.route, options.attempt);
  auto placement = cluster_->place_now(options.route, needs);
  if (placement) watched.found(*placement);
  return placement;
}

void Session::tell_retry(RunOptions const& options, Error const& failure, Duration pause) const {
  auto const& hub = *cluster_->hub();
  if (!hub.wants(observe::Kind::retry)) return;
  observe::Activity activity;
  activity.kind = observe::Kind::retry;
  activity.node = failure.node();
  activity.purpose = to_string(options.route);
  activity.error = &failure;
  activity.attempt = options.attempt;
  activity.pause = pause;
  activity.tag = habits_.tag.empty() ? nullptr : &habits_.tag;
  cluster_->hub()->see(activity);
}

// A read, by a placement that has to prove first that it has what the session wrote.
Operation<Answer> Session::run_read(Placement* placement, wire::Request const& statements,
                                    RunOptions options, Deadline deadline) {
  auto const wanted = placement->must_have;
  placement->lease.ask_ahead(kApplied);
  auto running = run_placed(placement, statements, options, deadline);
  auto answer = co_await std::move(running);
  auto const* error = answer.error();
  bool const told = error == nullptr || error->kind() == ErrorKind::server;
  if (!told || !placement->lease.is_open()) co_return answer;
  if (has(placement->lease.told_ahead(), wanted)) co_return answer;
  // What it answered is too old, that it knows no such table, too. A moment later it may not be.
  auto catching = caught_up(placement, deadline);
  bool const there = co_await std::move(catching);
  if (!there) {
    placement->lease.give_back();
    auto needs = needs_of(options);
    needs.uncertain = true;
    auto placing = cluster_->place_read(needs, deadline);
    *placement = co_await std::move(placing);
  }
  auto again = run_placed(placement, statements, options, deadline);
  answer = co_await std::move(again);
  co_return answer;
}

Operation<bool> Session::caught_up(Placement* placement, Deadline deadline) {
  auto const limit = deadline.earlier_in(cluster_->catch_up_wait());
  for (std::size_t i = 0; !limit.passed(); ++i) {
    auto sleeping = async::sleep_until(limit.earlier_in(kPauses[std::min<std::size_t>(i, 4)]));
    if (co_await std::move(sleeping) == async::Wakeup::cancelled) {
      throw Error(ErrorKind::cancelled, "cancelled while waiting for a replica that is behind")
          .at(Phase::acquire, Outcome::not_sent);
    }
    wire::Request request;
    request.push_back({kApplied, {}, true, true});
    auto running = placement->lease.run_borrowed(request, deadline);
    auto const replies = co_await std::move(running);
    auto const* result = std::get_if<wire::Result>(&replies.front());
    if (result == nullptr) co_return false;
    auto const value = result->value(0, 0);
    if (value && has(std::string(*value), placement->must_have)) co_return true;
  }
  co_return false;
}

// Where a write lands is asked behind its commit, where there are replicas that a later read could go to.
// A read on the primary asks when what the session remembers can be compared with nothing any more: from
// here on its reads must see what this one saw.
void Session::ask_position(Placement& placement, Route route) const {
  if (!cluster_->has_choice()) return;
  if (route == Route::read) {
    if (!placement.on_primary) return;
    auto const seen = memory_->seen();
    bool const comparable = seen.position.system == placement.history.system &&
                            seen.position.timeline == placement.history.timeline;
    if (seen.certain && (comparable || !seen.position.somewhere())) return;
  }
  placement.lease.ask_behind(kWritten);
}

void Session::note_position(Placement const& placement, Route route, Error const* error) const {
  if (!cluster_->has_choice()) return;
  auto const& told = placement.lease.told_behind();
  if (auto const lsn = told ? policy::parse_lsn(*told) : std::nullopt) {
    memory_->remember({placement.history.system, placement.history.timeline, *lsn});
  } else if (route == Route::write && (error == nullptr || error->in_doubt())) {
    memory_->forget_where();
  }
}

}  // namespace moonpool::session
