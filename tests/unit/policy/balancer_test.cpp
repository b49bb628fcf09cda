#include "policy/balancer.hpp"

#include <rapidcheck.h>
#include <array>
#include <vector>

#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

using namespace std::chrono_literals;

std::vector<Contender> contenders(std::vector<std::size_t> const& in_flight) {
  std::vector<Contender> out;
  for (auto count : in_flight) out.push_back({"r", count, 1ms});
  return out;
}

// Everyone who plays keeps to this.
TEST_CASE("whoever is chosen is one of those who were there") {
  for (auto const& balancer : {power_of_two_choices(), round_robin(), least_busy()}) {
    CHECK(rc::check("in range", [&](std::vector<std::uint8_t> const& loads) {
      RC_PRE(!loads.empty());
      auto const all = contenders({loads.begin(), loads.end()});
      RC_ASSERT(balancer->choose(all) < all.size());
    }));
  }
}

TEST_CASE("in turn, everybody gets as much") {
  auto const balancer = round_robin();
  std::array<int, 3> got{};
  for (int i = 0; i < 300; ++i) ++got[balancer->choose(contenders({9, 0, 5}))];
  for (auto count : got) CHECK(count == 100);
}

TEST_CASE("the least busy one, and among equals everybody in turn") {
  auto const balancer = least_busy();
  for (int i = 0; i < 10; ++i) CHECK(balancer->choose(contenders({3, 1, 2})) == 1);
  std::array<int, 3> got{};
  for (int i = 0; i < 300; ++i) ++got[balancer->choose(contenders({0, 0, 7}))];
  CHECK(got[0] + got[1] == 300);
  CHECK(got[0] >= 100);
  CHECK(got[1] >= 100);
}

TEST_CASE("of two at random the less busy one, then the nearer one") {
  std::vector<double> dice;
  std::size_t at = 0;
  auto const balancer = power_of_two_choices([&] { return dice[at++]; });
  auto choose = [&](std::vector<double> random, std::vector<Contender> const& all) {
    dice = std::move(random);
    at = 0;
    return balancer->choose(all);
  };
  CHECK(choose({0.0, 0.0}, contenders({5, 1, 0})) == 1);
  CHECK(choose({0.0, 0.99}, contenders({5, 1, 0})) == 2);
  CHECK(choose({0.99, 0.0}, contenders({5, 1, 9})) == 0);
  auto near = contenders({1, 1});
  near[1].round_trip = 100us;
  CHECK(choose({0.0, 0.0}, near) == 1);
}

// A slow replica keeps its calls for longer, so it has more of them in flight.
TEST_CASE("the slow one of many gets little") {
  auto const balancer = power_of_two_choices();
  std::array<int, 4> got{};
  for (int i = 0; i < 10'000; ++i) ++got[balancer->choose(contenders({50, 2, 1, 2}))];
  CHECK(got[0] == 0);
  for (std::size_t i = 1; i < got.size(); ++i) CHECK(got[i] > 1'000);
}

}  // namespace
}  // namespace moonpool::policy
