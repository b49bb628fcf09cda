#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "observe/activity.hpp"

namespace moonpool::observe {

// What is measured when somebody looks, not when it happens.
struct PoolFigures {
  std::string purpose;
  std::size_t idle = 0;
  std::size_t used = 0;
  std::size_t opening = 0;
  std::size_t max = 0;
  std::size_t waiting = 0;
  std::uint64_t timeouts = 0;
};

struct NodeFigures {
  std::string name;
  std::string address;
  std::string role;
  bool up = false;
  std::optional<double> lag_seconds;  // unknown is not 0
  std::optional<double> lag_bytes;
  std::string write_breaker;
  std::string read_breaker;
  std::vector<PoolFigures> pools;
};

// Counts what it sees, under OpenTelemetry's names for database clients in Prometheus' spelling.
// Threads: any.
class Metrics final : public Observer {
 public:
  // What it has to be told of.
  static constexpr Kinds kKinds =
      kinds_of(Kind::statement) | kinds_of(Kind::transaction) | kinds_of(Kind::acquire) |
      kinds_of(Kind::connect) | kinds_of(Kind::use) | kinds_of(Kind::recover) |
      kinds_of(Kind::retry) | kinds_of(Kind::role) | kinds_of(Kind::breaker);

  Metrics();
  ~Metrics() override;

  void see(Activity const& activity) noexcept override;
  void read(Event const&) noexcept override {}

  // Prometheus' text format, version 0.0.4.
  std::string text(std::vector<NodeFigures> const& nodes) const;

 private:
  struct Counts;
  std::unique_ptr<Counts> counts_;
};

}  // namespace moonpool::observe
