#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "observe/activity.hpp"
#include "observe/log.hpp"

namespace moonpool::observe {

// An activity, or a line of the log, that owns what it says. Of statements it has the normalised text only.
struct Record {
  explicit Record(Activity const& activity);
  explicit Record(Event const& line);

  std::chrono::system_clock::time_point at = std::chrono::system_clock::now();
  bool is_line = false;
  Kind kind = Kind::statement;
  Stage stage = Stage::point;
  Level level = Level::off;  // of a line
  std::uint64_t number = 0;
  Duration took = Duration::zero();
  Duration pause = Duration::zero();
  std::size_t statements = 0;
  std::int64_t rows = 0;
  int attempt = 0;
  std::uint32_t timeline = 0;
  bool writes = false;
  std::string name;  // of the kind, or of the line
  std::string node;
  std::string purpose;
  std::string operation;
  std::string statement;
  std::string fingerprint;
  std::string outcome;
  std::string error;
  std::string sqlstate;
  std::string who;
  std::string from;
  std::string to;
  std::string correlation_id;
  std::string traceparent;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;  // of a line, of a notice
};

// Keeps what it sees until somebody fetches it: for whoever may be told on a thread of theirs only. When it is
// full the oldest is dropped, and counted. Threads: any.
class Queue final : public Observer {
 public:
  // `begins`: begins are kept too, not only ends.
  Queue(std::size_t capacity, bool begins) : capacity_(capacity), begins_(begins) {}

  void see(Activity const& activity) noexcept override;
  void read(Event const& line) noexcept override;

  // The oldest one.
  std::optional<Record> next();
  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  template <class Told>
  void keep(Told const& told) noexcept;

  std::size_t const capacity_;
  bool const begins_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::mutex mutex_;
  std::deque<Record> records_;  // guarded by mutex_
};

}  // namespace moonpool::observe
