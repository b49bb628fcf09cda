#include "policy/balancer.hpp"

#include <algorithm>
#include <atomic>

namespace moonpool::policy {
namespace {

class PowerOfTwoChoices final : public Balancer {
 public:
  explicit PowerOfTwoChoices(std::function<double()> random) : random_(std::move(random)) {}

  std::size_t choose(std::span<Contender const> contenders) override {
    auto const count = contenders.size();
    if (count < 2) return 0;
    auto const first = pick(count);
    auto second = pick(count - 1);
    if (second >= first) ++second;
    auto const& a = contenders[first];
    auto const& b = contenders[second];
    if (a.in_flight != b.in_flight) return a.in_flight < b.in_flight ? first : second;
    return b.round_trip < a.round_trip ? second : first;
  }

 private:
  std::size_t pick(std::size_t count) {
    return std::min(static_cast<std::size_t>(random_() * static_cast<double>(count)), count - 1);
  }

  std::function<double()> const random_;
};

class RoundRobin final : public Balancer {
 public:
  std::size_t choose(std::span<Contender const> contenders) override {
    return turn_.fetch_add(1, std::memory_order_relaxed) % contenders.size();
  }

 private:
  std::atomic<std::size_t> turn_{0};
};

class LeastBusy final : public Balancer {
 public:
  std::size_t choose(std::span<Contender const> contenders) override {
    auto const count = contenders.size();
    auto const start = turn_.fetch_add(1, std::memory_order_relaxed) % count;
    auto best = start;
    for (std::size_t i = 1; i < count; ++i) {
      auto const at = (start + i) % count;
      if (contenders[at].in_flight < contenders[best].in_flight) best = at;
    }
    return best;
  }

 private:
  std::atomic<std::size_t> turn_{0};
};

}  // namespace

std::shared_ptr<Balancer> power_of_two_choices(std::function<double()> random) {
  return std::make_shared<PowerOfTwoChoices>(std::move(random));
}
std::shared_ptr<Balancer> round_robin() { return std::make_shared<RoundRobin>(); }
std::shared_ptr<Balancer> least_busy() { return std::make_shared<LeastBusy>(); }

}  // namespace moonpool::policy
