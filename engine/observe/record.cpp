#include "observe/record.hpp"

#include "observe/fingerprint.hpp"

namespace moonpool::observe {

Record::Record(Activity const& activity)
    : kind(activity.kind),
      stage(activity.stage),
      number(activity.number),
      took(activity.took),
      pause(activity.pause),
      statements(activity.statements),
      rows(activity.rows),
      attempt(activity.attempt),
      timeline(activity.timeline),
      writes(activity.writes),
      name(observe::to_string(activity.kind)),
      node(activity.node),
      purpose(activity.purpose),
      operation(activity.operation),
      who(activity.who),
      from(activity.from),
      to(activity.to) {
  if (!activity.sql.empty()) {
    auto const print = observe::fingerprint(activity.sql);
    statement = print->text;
    fingerprint = print->id;
    if (operation.empty()) operation = print->operation;
  }
  if (stage != Stage::begin) outcome = outcome_of(activity);
  if (activity.error != nullptr) {
    error = activity.error->name();
    sqlstate = activity.error->sqlstate();
  }
  if (activity.said != nullptr) {
    message = activity.said->message;
    sqlstate = activity.said->sqlstate;
    auto add = [this](char const* key, std::string_view value) {
      if (!value.empty()) fields.emplace_back(key, value);
    };
    add("severity", activity.said->severity);
    add("detail", activity.said->detail);
    add("hint", activity.said->hint);
  }
  if (activity.tag != nullptr) {
    correlation_id = activity.tag->correlation_id;
    traceparent = activity.tag->traceparent;
  }
}

Record::Record(Event const& line)
    : is_line(true), level(line.level), name(line.name), message(line.message) {
  fields.reserve(line.fields.size());
  for (auto const& [key, value] : line.fields) fields.emplace_back(key, value);
}

template <class Told>
void Queue::keep(Told const& told) noexcept {
  try {
    Record record(told);
    std::lock_guard const lock(mutex_);
    if (records_.size() >= capacity_) {
      records_.pop_front();
      ++lost_;
    }
    records_.push_back(std::move(record));
    waiting_ = records_.size();
  } catch (std::exception const&) {
    ++lost_;
  }
}

void Queue::see(Activity const& activity) noexcept {
  if (activity.stage != Stage::begin || begins_) keep(activity);
}

void Queue::read(Event const& line) noexcept { keep(line); }

std::optional<Record> Queue::next() {
  std::lock_guard const lock(mutex_);
  if (records_.empty()) return std::nullopt;
  std::optional<Record> first(std::move(records_.front()));
  records_.pop_front();
  waiting_ = records_.size();
  return first;
}

}  // namespace moonpool::observe
