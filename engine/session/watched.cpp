#include "session/watched.hpp"

#include <array>

#include "base/error.hpp"
#include "base/split.hpp"
#include "observe/fingerprint.hpp"
#include "observe/lines.hpp"

namespace moonpool::session {

using observe::Activity;
using observe::Kind;
using observe::Stage;

namespace {

constexpr std::size_t kParamsShown = 32;

struct Sum {
  Error const* error = nullptr;
  std::int64_t rows = 0;
};

std::int64_t rows_of(wire::Reply const& reply) {
  auto const* result = std::get_if<wire::Result>(&reply);
  return result == nullptr ? 0 : result->affected();
}

// Of a group, the statement that failed speaks, not those that were skipped because of it.
Sum sum_of(std::vector<wire::Reply> const& replies) {
  Sum sum;
  for (auto const& reply : replies) {
    sum.rows += rows_of(reply);
    auto const* error = std::get_if<Error>(&reply);
    if (error == nullptr) continue;
    bool const better = sum.error == nullptr || (sum.error->kind() == ErrorKind::transaction &&
                                                 error->kind() != ErrorKind::transaction);
    if (better) sum.error = error;
  }
  return sum;
}

bool anybody(observe::Hub const& hub, Habits const& habits) {
  return hub.wants(Kind::statement) || hub.wants(Kind::audit) ||
         habits.slow_query > Duration::zero();
}

std::string type_name(std::uint32_t oid) {
  struct Known {
    std::uint32_t oid;
    std::string_view name;
  };
  static constexpr std::array<Known, 16> kKnown = {{{16, "boolean"},
                                                    {17, "bytea"},
                                                    {20, "bigint"},
                                                    {21, "smallint"},
                                                    {23, "integer"},
                                                    {25, "text"},
                                                    {114, "json"},
                                                    {700, "real"},
                                                    {701, "double precision"},
                                                    {1043, "varchar"},
                                                    {1082, "date"},
                                                    {1114, "timestamp"},
                                                    {1184, "timestamptz"},
                                                    {1700, "numeric"},
                                                    {2950, "uuid"},
                                                    {3802, "jsonb"}}};
  for (auto const& known : kKnown) {
    if (known.oid == oid) return std::string(known.name) + " ";
  }
  return oid == 0 ? "" : "type " + std::to_string(oid) + " ";
}

}  // namespace

std::string masked(std::vector<wire::Param> const& params) {
  std::string out;
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (i == kParamsShown) {
      out += ", and " + std::to_string(params.size() - i) + " more";
      break;
    }
    auto const& param = params[i];
    out.append(i == 0 ? "" : ", ").append("$").append(std::to_string(i + 1)).append("=");
    out += !param.text ? "null"
                       : type_name(param.type) + std::to_string(param.text->size()) + " bytes";
  }
  return out;
}

void mark(wire::Request& statements, Habits const& habits) {
  bool const traced =
      habits.trace_comment && !habits.tag.empty() &&
      (habits.tag.traceparent.empty() || observe::is_sampled(habits.tag.traceparent));
  if (habits.marks.empty() && !traced) return;
  auto marks = habits.marks;
  if (traced) {
    marks.emplace_back("correlation_id", habits.tag.correlation_id);
    marks.emplace_back("traceparent", habits.tag.traceparent);
  }
  auto const comment = observe::comment_of(std::move(marks));
  for (auto& statement : statements) {
    if (comment.empty() || !observe::may_bear_comment(statement.sql)) continue;
    statement.sql += comment;
    if (traced) statement.cacheable = false;
  }
}

Watched::Watched(observe::Hub& hub, Habits const& habits, wire::Request const& statements,
                 std::string_view node, std::string_view purpose, int attempt)
    : hub_(hub),
      habits_(habits),
      statements_(&statements),
      sql_(statements.front().sql),
      operation_(statements.size() > 1 ? "BATCH" : ""),
      node_(node),
      purpose_(purpose),
      attempt_(attempt),
      on_(anybody(hub, habits)) {
  if (on_) begin();
}

Watched::Watched(observe::Hub& hub, Habits const& habits, std::string_view sql,
                 std::string_view operation, std::string_view node, std::string_view purpose,
                 int attempt)
    : hub_(hub),
      habits_(habits),
      statements_(nullptr),
      sql_(sql),
      operation_(operation),
      node_(node),
      purpose_(purpose),
      attempt_(attempt),
      on_(anybody(hub, habits)) {
  if (on_) begin();
}

Watched::~Watched() {
  if (!on_ || told_) return;
  try {
    Error left(ErrorKind::cancelled, "the call was left before its answer came");
    left.at(Phase::wait, Outcome::unknown);
    tell_end(&left, 0, nullptr);
  } catch (std::exception const&) {
    // Only its being seen was lost.
  }
}

void Watched::said(std::vector<wire::Notice> const& notices) const {
  if (hub_.wants(Kind::notice)) return;  // they were told as they came
  for (auto const& notice : notices) {
    auto const level = notice.severity == "WARNING" ? observe::Level::warning
                       : notice.severity == "NOTICE" || notice.severity == "INFO"
                           ? observe::Level::info
                           : observe::Level::debug;
    // The last words of a session come back as an error.
    bool const last = notice.severity == "FATAL" || notice.severity == "PANIC";
    if (last || !hub_.reads(level)) continue;
    observe::Event line{level,
                        "server.notice",
                        notice.message,
                        {{"node", std::string(node_)},
                         {"severity", notice.severity},
                         {"sqlstate", notice.sqlstate}}};
    observe::add_tag(line, habits_.tag.empty() ? nullptr : &habits_.tag);
    hub_.log(line);
  }
}

void hear(cluster::Placement& placement, std::shared_ptr<observe::Hub> hub, Habits const& habits) {
  if (!hub->wants(Kind::notice)) return;
  placement.lease.hear([hub = std::move(hub), node = placement.node->name(),
                        tag = habits.tag](wire::Notice const& notice) {
    // The last words of a session come back as an error.
    if (notice.severity == "FATAL" || notice.severity == "PANIC") return;
    observe::Said const said{notice.severity, notice.sqlstate, notice.message, notice.detail,
                             notice.hint};
    Activity activity;
    activity.kind = Kind::notice;
    activity.node = node;
    activity.tag = tag.empty() ? nullptr : &tag;
    activity.said = &said;
    hub->see(activity);
  });
}

Activity Watched::describe() const {
  Activity activity;
  activity.kind = Kind::statement;
  activity.number = number_;
  activity.node = node_;
  activity.purpose = purpose_;
  activity.sql = sql_;
  activity.operation = operation_;
  activity.statements = statements_ != nullptr ? statements_->size() : 1;
  activity.attempt = attempt_;
  activity.tag = habits_.tag.empty() ? nullptr : &habits_.tag;
  activity.who = habits_.context.summary();
  return activity;
}

void Watched::begin() {
  if (hub_.wants(Kind::statement)) {
    number_ = hub_.next_number();
    auto activity = describe();
    activity.stage = Stage::begin;
    hub_.see(activity);
  }
  begun_ = Clock::now();
}

void Watched::end(std::vector<wire::Reply> const& replies) {
  if (!on_) return;
  auto const sum = sum_of(replies);
  tell_end(sum.error, sum.rows, &replies);
}

void Watched::end(Error const* error, std::int64_t rows) {
  if (on_) tell_end(error, rows, nullptr);
}

void Watched::tell_end(Error const* error, std::int64_t rows,
                       std::vector<wire::Reply> const* replies) {
  if (std::exchange(told_, true)) return;
  auto activity = describe();
  activity.stage = Stage::end;
  activity.took = Clock::now() - begun_;
  activity.error = error;
  activity.rows = rows;
  auto const print = observe::fingerprint(sql_);
  if (activity.operation.empty()) activity.operation = print->operation;
  activity.writes = print->writes;
  if (statements_ != nullptr) {
    for (auto const& statement : *statements_) {
      activity.writes = activity.writes || observe::fingerprint(statement.sql)->writes;
    }
  }
  if (hub_.wants(Kind::statement)) hub_.see(activity);
  if (habits_.slow_query > Duration::zero() && activity.took >= habits_.slow_query) {
    tell_slow(activity);
  }
  if (hub_.wants(Kind::audit)) tell_audit(activity, replies);
}

// Each statement that may write, by itself.
void Watched::tell_audit(Activity activity, std::vector<wire::Reply> const* replies) {
  activity.kind = Kind::audit;
  activity.stage = Stage::point;
  activity.statements = 1;
  auto tell = [&](std::string_view sql, wire::Reply const* reply) {
    auto const print = observe::fingerprint(sql);
    if (!print->writes) return;
    activity.sql = sql;
    activity.operation = print->operation;
    activity.writes = true;
    if (reply != nullptr) {
      activity.error = std::get_if<Error>(reply);
      activity.rows = rows_of(*reply);
    }
    hub_.see(activity);
  };
  auto reply_at = [&](std::size_t i) {
    return replies != nullptr && i < replies->size() ? &(*replies)[i] : nullptr;
  };
  if (statements_ != nullptr) {
    for (std::size_t i = 0; i < statements_->size(); ++i) tell((*statements_)[i].sql, reply_at(i));
  } else if (operation_ == "SCRIPT") {
    std::size_t i = 0;
    for (auto const& statement : split_script(sql_)) {
      auto const* const reply = reply_at(i++);
      // After the first error nothing more was run.
      if (reply == nullptr && replies != nullptr) break;
      tell(statement.text, reply);
    }
  } else {
    tell(sql_, nullptr);
  }
}

void Watched::tell_slow(Activity const& activity) {
  auto const print = observe::fingerprint(sql_);
  auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(activity.took).count();
  observe::Event line{observe::Level::warning,
                      "statement.slow",
                      print->text,
                      {{"node", std::string(node_)},
                       {"ms", std::to_string(ms)},
                       {"op", std::string(activity.operation)},
                       {"outcome", std::string(observe::outcome_of(activity))},
                       {"rows", std::to_string(activity.rows)},
                       {"statements", std::to_string(activity.statements)},
                       {"attempt", std::to_string(attempt_)},
                       {"fingerprint", print->id}}};
  if (statements_ != nullptr && !statements_->front().params.empty()) {
    line.fields.emplace_back("params", masked(statements_->front().params));
  }
  if (activity.error != nullptr && !activity.error->sqlstate().empty()) {
    line.fields.emplace_back("sqlstate", activity.error->sqlstate());
  }
  observe::add_tag(line, activity.tag);
  hub_.log(line);
}

WatchedAcquire::WatchedAcquire(observe::Hub& hub, Habits const& habits, cluster::Route route,
                               int attempt)
    : hub_(hub),
      habits_(habits),
      route_(route),
      attempt_(attempt),
      begun_(hub.wants(Kind::acquire) ? Clock::now() : TimePoint()) {}

void WatchedAcquire::found(cluster::Placement const& placement) {
  if (begun_ == TimePoint()) return;
  bool const elsewhere = route_ == cluster::Route::read && placement.on_primary;
  tell(placement.node->name(), elsewhere ? "fallback" : to_string(route_), nullptr);
}

void WatchedAcquire::failed(Error const& error) {
  if (begun_ != TimePoint()) tell(error.node(), to_string(route_), &error);
}

void WatchedAcquire::tell(std::string_view node, std::string_view purpose, Error const* error) {
  Activity activity;
  activity.kind = Kind::acquire;
  activity.stage = Stage::end;
  activity.node = node;
  activity.purpose = purpose;
  activity.took = Clock::now() - begun_;
  activity.error = error;
  activity.attempt = attempt_;
  activity.tag = habits_.tag.empty() ? nullptr : &habits_.tag;
  hub_.see(activity);
}

WatchedTransaction::WatchedTransaction(std::shared_ptr<observe::Hub> hub, Habits const& habits,
                                       std::string node)
    : hub_(std::move(hub)),
      tag_(habits.tag),
      who_(habits.context.summary()),
      node_(std::move(node)) {
  if (!hub_->wants(Kind::transaction)) return;
  number_ = hub_->next_number();
  Activity activity;
  activity.kind = Kind::transaction;
  activity.stage = Stage::begin;
  activity.number = number_;
  activity.node = node_;
  activity.tag = tag_.empty() ? nullptr : &tag_;
  activity.who = who_;
  hub_->see(activity);
}

void WatchedTransaction::end(std::string_view became, Error const* error) noexcept {
  if (std::exchange(told_, true)) return;
  bool const audited = hub_->wants(Kind::audit);
  if (!audited && !hub_->wants(Kind::transaction)) return;
  try {
    Activity activity;
    activity.kind = Kind::transaction;
    activity.stage = Stage::end;
    activity.number = number_;
    activity.node = node_;
    activity.operation = "TRANSACTION";
    activity.took = Clock::now() - begun_;
    activity.error = error;
    activity.to = became;
    activity.tag = tag_.empty() ? nullptr : &tag_;
    activity.who = who_;
    hub_->see(activity);
    if (!audited) return;
    activity.kind = Kind::audit;
    activity.stage = Stage::point;
    hub_->see(activity);
  } catch (std::exception const&) {
    // Only its being seen was lost.
  }
}

}  // namespace moonpool::session
