#include "policy/routing.hpp"

#include <rapidcheck.h>
#include <algorithm>
#include <set>

#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

using namespace std::chrono_literals;
using Numbers = std::vector<std::size_t>;

Replica replica(Lsn applied, std::optional<Duration> lag = Duration::zero()) {
  Replica out;
  out.serves = true;
  out.lag = {std::uint64_t{0}, lag};
  out.applied = {7, 1, applied};
  return out;
}

constexpr Position kNothing{};

TEST_CASE("a read that must have seen everything has no replica to go to") {
  std::vector<Replica> const replicas = {replica(10)};
  Reading strong;
  strong.consistency = Consistency::strong;
  auto const choice = choose_replicas(replicas, strong, kNothing);
  CHECK(choice.ready.empty());
  CHECK(choice.behind.empty());
  CHECK(choice.stale.empty());
}

TEST_CASE("who has written reads where that has arrived, else asks first") {
  std::vector<Replica> const replicas = {replica(10), replica(20), replica(30)};
  auto const choice = choose_replicas(replicas, {}, {7, 1, 20});
  CHECK(choice.ready == Numbers{1, 2});
  CHECK(choice.behind == Numbers{0});
  Reading eventual;
  eventual.consistency = Consistency::eventual;
  CHECK(choose_replicas(replicas, eventual, {7, 1, 20}).ready == Numbers{0, 1, 2});
}

TEST_CASE("the header of a page with nothing in it holds nobody up") {
  auto const choice = choose_replicas(std::vector{replica(0x3422000)}, {}, {7, 1, 0x3422018});
  CHECK(choice.ready == Numbers{0});
}

TEST_CASE("positions of another history say nothing") {
  std::vector<Replica> const replicas = {replica(1000)};
  for (auto const seen : {Position{7, 2, 20}, Position{8, 1, 20}, Position{7, 0, 20}}) {
    auto const choice = choose_replicas(replicas, {}, seen);
    CHECK(choice.ready.empty());
    CHECK(choice.behind.empty());
    CHECK(choice.stale.empty());
  }
}

TEST_CASE("a lag that is not known is no lag of zero") {
  Reading reading;
  reading.max_lag = 1s;
  std::vector<Replica> const replicas = {replica(1, 500ms), replica(1, 2s),
                                         replica(1, std::nullopt)};
  auto const choice = choose_replicas(replicas, reading, kNothing);
  CHECK(choice.ready == Numbers{0});
  CHECK(choice.stale == Numbers{1, 2});
  CHECK(choose_replicas(replicas, {}, kNothing).ready == Numbers{0, 1, 2});
}

TEST_CASE("a ceiling in bytes counts beside the one in time") {
  Reading reading;
  reading.max_lag_bytes = 100;
  auto near = replica(1);
  near.lag.bytes = 100;
  auto far = replica(1);
  far.lag.bytes = 101;
  auto unknown = replica(1);
  unknown.lag.bytes.reset();
  std::vector<Replica> const replicas = {near, far, unknown};
  CHECK(choose_replicas(replicas, reading, kNothing).ready == Numbers{0});
}

TEST_CASE("breakers shut out at most half of the replicas, and one of one") {
  for (std::size_t count = 1; count <= 6; ++count) {
    std::vector<Replica> replicas(count, replica(1));
    for (auto& one : replicas) one.shut = true;
    auto const choice = choose_replicas(replicas, {}, kNothing);
    CHECK(choice.ready.size() == count - std::max<std::size_t>(1, count / 2));
  }
}

Replica any_replica() {
  Replica out;
  out.serves = *rc::gen::arbitrary<bool>();
  out.shut = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) out.lag.time = std::chrono::seconds(*rc::gen::inRange(0, 4));
  if (*rc::gen::arbitrary<bool>()) out.lag.bytes = *rc::gen::inRange<std::uint64_t>(0, 4);
  out.applied = {7, *rc::gen::inRange<std::uint32_t>(0, 3), *rc::gen::inRange<Lsn>(0, 4)};
  return out;
}

TEST_CASE("whatever the replicas are like, a read goes only where it may") {
  CHECK(rc::check("eligibility", [] {
    std::vector<Replica> replicas(*rc::gen::inRange<std::size_t>(0, 6));
    for (auto& one : replicas) one = any_replica();
    Reading reading;
    reading.consistency = static_cast<Consistency>(*rc::gen::inRange(0, 3));
    reading.max_lag = std::chrono::seconds(*rc::gen::inRange(0, 3));
    reading.max_lag_bytes = *rc::gen::inRange<std::uint64_t>(0, 3);
    Position const seen{7, *rc::gen::inRange<std::uint32_t>(0, 3), *rc::gen::inRange<Lsn>(0, 4)};
    auto const choice = choose_replicas(replicas, reading, seen);
    bool const sees = reading.consistency == Consistency::session && seen.somewhere();
    std::set<std::size_t> all;
    for (auto const* list : {&choice.ready, &choice.behind, &choice.stale}) {
      for (auto i : *list) {
        RC_ASSERT(all.insert(i).second);
        RC_ASSERT(replicas[i].serves);
      }
    }
    if (reading.consistency == Consistency::strong) RC_ASSERT(all.empty());
    for (auto i : choice.ready) {
      auto const& one = replicas[i];
      if (reading.max_lag > Duration::zero()) RC_ASSERT(one.lag.time.value() <= reading.max_lag);
      if (reading.max_lag_bytes > 0) RC_ASSERT(one.lag.bytes.value() <= reading.max_lag_bytes);
      if (sees) RC_ASSERT(one.applied.timeline == seen.timeline && one.applied.lsn >= seen.lsn);
    }
    for (auto i : choice.behind) RC_ASSERT(sees && replicas[i].applied.timeline == seen.timeline);
    if (sees) RC_ASSERT(choice.stale.empty());
  }));
}

}  // namespace
}  // namespace moonpool::policy
