#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/time.hpp"
#include "policy/random.hpp"

namespace moonpool::policy {

// A replica that may serve a read.
struct Contender {
  std::string_view name;
  std::size_t in_flight = 0;  // connections in use and callers waiting for one
  Duration round_trip{};      // of the last probe; zero: not known
};

// Which of the replicas that may serve a read does. A host can bring its own.
// Threads: called from any, several at once.
class Balancer {
 public:
  virtual ~Balancer() = default;
  // The place of the chosen one. Anything past the last counts as the first.
  // REQUIRES: at least one contender; it must neither wait nor throw.
  virtual std::size_t choose(std::span<Contender const> contenders) = 0;
};

// Of two taken at random the one with less to do, by a tie the nearer one: near the evenness of looking
// at all, without everybody running to the same one.
std::shared_ptr<Balancer> power_of_two_choices(std::function<double()> random = &random_unit);
// One after the other.
std::shared_ptr<Balancer> round_robin();
// The one with the least to do; among equals one after the other.
std::shared_ptr<Balancer> least_busy();

}  // namespace moonpool::policy
