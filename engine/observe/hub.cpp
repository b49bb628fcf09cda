#include "observe/hub.hpp"

#include <algorithm>
#include <mutex>

#include "observe/lines.hpp"
#include "observe/metrics.hpp"

namespace moonpool::observe {

Hub::Hub(LogOptions log) : logger_(log) { sum_up(); }

// What is wanted by anybody: by observers, and by the log for the lines it makes of activities.
void Hub::sum_up() {
  Kinds kinds = 0;
  auto least = Level::off;
  for (auto const& row : rows_) {
    kinds |= row.kinds;
    least = std::min(least, row.lines);
  }
  if (least == Level::off) least = logger_.level();
  wanted_ = kinds | kinds_with_lines(least);
  least_ = least;
}

void Hub::add(std::shared_ptr<Observer> observer, Kinds kinds, Level lines) {
  std::lock_guard const lock(mutex_);
  rows_.push_back({std::move(observer), kinds, lines});
  sum_up();
}

void Hub::remove(Observer const* observer) {
  std::shared_ptr<Observer> gone;  // its last breath is not under the lock
  std::lock_guard const lock(mutex_);
  auto const row =
      std::ranges::find_if(rows_, [&](Row const& one) { return one.observer.get() == observer; });
  if (row == rows_.end()) return;
  gone = std::move(row->observer);
  rows_.erase(row);
  sum_up();
}

Metrics& Hub::metrics() {
  std::lock_guard const lock(mutex_);
  if (!metrics_) {
    metrics_ = std::make_shared<Metrics>();
    rows_.push_back({metrics_, Metrics::kKinds, Level::off});
    sum_up();
  }
  return *metrics_;
}

void Hub::see(Activity const& activity) {
  auto const kind = kinds_of(activity.kind);
  {
    std::shared_lock const lock(mutex_);
    for (auto const& row : rows_) {
      if ((row.kinds & kind) != 0) row.observer->see(activity);
    }
  }
  auto const level = line_level(activity);
  if (level != Level::off && reads(level)) log(line_of(activity));
}

void Hub::log(Event const& event) {
  if (!reads(event.level)) return;
  bool taken = false;
  {
    std::shared_lock const lock(mutex_);
    for (auto const& row : rows_) {
      taken = taken || row.lines != Level::off;
      if (row.lines != Level::off && event.level >= row.lines) row.observer->read(event);
    }
  }
  if (!taken) logger_.write(event);
}

void see(std::shared_ptr<Hub> const& hub, Activity const& activity) {
  if (hub) return hub->see(activity);
  if (line_level(activity) != Level::off) log(line_of(activity));
}

void log(std::shared_ptr<Hub> const& hub, Event const& event) {
  if (hub) return hub->log(event);
  log(event);
}

}  // namespace moonpool::observe
