#include "observe/lines.hpp"

#include <array>
#include <cstdio>

#include "observe/fingerprint.hpp"

namespace moonpool::observe {
namespace {

// The most telling line that a kind can have; a smaller one when all goes well.
struct KindLevels {
  Level well;
  Level badly;
};

KindLevels levels_of(Kind kind) {
  switch (kind) {
    case Kind::statement:
    case Kind::transaction:
      return {Level::debug, Level::debug};
    case Kind::acquire:
    case Kind::use:
    case Kind::probe:
      return {Level::trace, Level::trace};
    case Kind::connect:
    case Kind::recover:
      return {Level::debug, Level::info};
    case Kind::retry:
      return {Level::info, Level::info};
    case Kind::role:
    case Kind::breaker:
      return {Level::info, Level::warning};
    case Kind::audit:
    case Kind::notice:
      break;
  }
  return {Level::off, Level::off};
}

bool went_badly(Activity const& activity) {
  switch (activity.kind) {
    case Kind::role:
      return activity.from != "unknown";
    case Kind::breaker:
      return activity.to == "open";
    case Kind::recover:
      return activity.to == "closed";
    default:
      return activity.error != nullptr;
  }
}

std::string milliseconds(Duration duration) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f",
                std::chrono::duration<double, std::milli>(duration).count());
  return text.data();
}

// What the server said may quote values, so a line says only what kind of error it was. An error of
// connecting is libpq's own words, which quote none.
std::string message_of(Activity const& activity) {
  std::string const node(activity.node);
  auto const* error = activity.error;
  std::string const why = error == nullptr ? "" : " (" + std::string(error->name()) + ")";
  switch (activity.kind) {
    case Kind::statement:
    case Kind::audit:
      return fingerprint(activity.sql)->text;
    case Kind::transaction:
      return "a transaction was " + std::string(activity.to) + why;
    case Kind::acquire:
      return error == nullptr ? "found a connection to " + node : "found no connection" + why;
    case Kind::connect:
      return error == nullptr ? "connected to " + node
                              : "could not connect to " + node + ": " + error->message();
    case Kind::use:
      return "a connection came back";
    case Kind::recover:
      return activity.to == "closed" ? "a connection that was left in the middle was closed"
                                     : "a connection that was left in the middle is in step again";
    case Kind::probe:
      return error == nullptr ? node + " answers" : node + " does not answer" + why;
    case Kind::retry:
      return "attempt " + std::to_string(activity.attempt) + " failed" + why + "; once more in " +
             milliseconds(activity.pause) + " ms";
    case Kind::role: {
      bool const learnt = activity.from == "unknown";
      return node + " is a " + std::string(activity.to) +
             (learnt ? "" : ", and was a " + std::string(activity.from));
    }
    case Kind::breaker:
      return activity.to == "open"     ? "calls to " + node + " fail: it is left alone for a while"
             : activity.to == "closed" ? node + " works again"
                                       : node + " may be tried again, a call at a time";
    case Kind::notice:
      break;
  }
  return {};
}

std::string_view name_of(Activity const& activity) {
  bool const failed = activity.error != nullptr;
  switch (activity.kind) {
    case Kind::statement:
      return failed ? "statement.failed" : "statement";
    case Kind::transaction:
      return "transaction";
    case Kind::acquire:
      return failed ? "acquire.failed" : "acquire";
    case Kind::connect:
      return failed ? "connect.failed" : "connect";
    case Kind::use:
      return "use";
    case Kind::recover:
      return "recover";
    case Kind::probe:
      return failed ? "probe.failed" : "probe";
    case Kind::retry:
      return "retry";
    case Kind::role:
      return "node.role";
    case Kind::breaker:
      return activity.to == "open"     ? "breaker.open"
             : activity.to == "closed" ? "breaker.closed"
                                       : "breaker.half_open";
    case Kind::audit:
    case Kind::notice:
      break;
  }
  return "audit";
}

}  // namespace

Level line_level(Activity const& activity) {
  if (activity.stage == Stage::begin) return Level::off;
  auto const levels = levels_of(activity.kind);
  return went_badly(activity) ? levels.badly : levels.well;
}

Kinds kinds_with_lines(Level least) {
  Kinds out = 0;
  for (std::size_t i = 0; i < kKinds; ++i) {
    auto const kind = static_cast<Kind>(i);
    auto const levels = levels_of(kind);
    if (levels.badly != Level::off && levels.badly >= least) out |= kinds_of(kind);
  }
  return out;
}

Event line_of(Activity const& activity) {
  Event line{line_level(activity), name_of(activity), message_of(activity), {}};
  auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) line.fields.emplace_back(key, value);
  };
  auto count = [&](std::string_view key, auto number) {
    if (number != 0) line.fields.emplace_back(key, std::to_string(number));
  };
  add("node", activity.node);
  add(activity.kind == Kind::breaker ? "route" : "purpose", activity.purpose);
  if (activity.kind == Kind::role || activity.kind == Kind::breaker) {
    if (activity.kind == Kind::role) add("role", activity.to);
    add("was", activity.from);
  }
  add("op", activity.operation);
  if (activity.stage == Stage::end) {
    line.fields.emplace_back("ms", milliseconds(activity.took));
    line.fields.emplace_back("outcome", outcome_of(activity));
  }
  if (activity.kind == Kind::statement)
    line.fields.emplace_back("rows", std::to_string(activity.rows));
  if (activity.statements > 1) count("statements", activity.statements);
  count("attempt", activity.attempt);
  if (!activity.sql.empty()) add("fingerprint", fingerprint(activity.sql)->id);
  if (activity.error != nullptr) {
    add("error", activity.error->name());
    add("sqlstate", activity.error->sqlstate());
  }
  count("timeline", activity.timeline);
  add("who", activity.who);
  add_tag(line, activity.tag);
  return line;
}

void add_tag(Event& line, Tag const* tag) {
  if (tag == nullptr) return;
  if (!tag->correlation_id.empty()) line.fields.emplace_back("correlation_id", tag->correlation_id);
  if (!tag->traceparent.empty()) line.fields.emplace_back("traceparent", tag->traceparent);
}

}  // namespace moonpool::observe
