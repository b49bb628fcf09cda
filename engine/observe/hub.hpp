#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "observe/activity.hpp"
#include "observe/log.hpp"

namespace moonpool::observe {

class Metrics;

// Where everything goes that one cluster lets be seen: to observers, to the log, and what is told of one
// activity to both. While an observer takes lines of the log, stderr gets none.
// Threads: any.
class Hub {
 public:
  explicit Hub(LogOptions log = {});
  Hub(Hub const&) = delete;
  Hub& operator=(Hub const&) = delete;

  // Does anybody want to know of such a thing? What is told unasked is lost time only.
  bool wants(Kind kind) const { return (wanted_.load(std::memory_order_relaxed) & kinds_of(kind)); }
  // Would a line of this level reach anybody?
  bool reads(Level level) const { return level >= least_.load(std::memory_order_relaxed); }

  // The observer is told of these kinds, and of lines from this level on (off: of none).
  void add(std::shared_ptr<Observer> observer, Kinds kinds, Level lines);
  // Once this returns it is not called any more. Not from inside of an observer.
  void remove(Observer const* observer);

  void see(Activity const& activity);
  void log(Event const& event);

  // Counts from the first time that somebody asks for it.
  Metrics& metrics();

  // For the two ends of an activity.
  std::uint64_t next_number() { return numbers_.fetch_add(1, std::memory_order_relaxed) + 1; }

 private:
  struct Row {
    std::shared_ptr<Observer> observer;
    Kinds kinds = 0;
    Level lines = Level::off;
  };
  void sum_up();

  Logger logger_;
  std::atomic<Kinds> wanted_{0};
  std::atomic<Level> least_{Level::off};
  std::atomic<std::uint64_t> numbers_{0};
  mutable std::shared_mutex mutex_;
  // Guarded by mutex_.
  std::vector<Row> rows_;
  std::shared_ptr<Metrics> metrics_;  // one of the observers; never replaced
};

// The same where there may be no hub: then only what is worth a line by every default is written.
inline bool wants(std::shared_ptr<Hub> const& hub, Kind kind) { return hub && hub->wants(kind); }
void see(std::shared_ptr<Hub> const& hub, Activity const& activity);
void log(std::shared_ptr<Hub> const& hub, Event const& event);

}  // namespace moonpool::observe
