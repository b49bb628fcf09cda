#include "policy/authority.hpp"

#include <rapidcheck.h>
#include <algorithm>

#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

Claim server(bool standby, std::uint32_t timeline, std::string instance = "",
             std::uint64_t system = 7) {
  Claim claim;
  claim.alive = true;
  claim.seen = Sighting{standby, true, {system, timeline, 100}, std::move(instance)};
  return claim;
}
Claim primary(std::uint32_t timeline, std::string instance = "", std::uint64_t system = 7) {
  return server(false, timeline, std::move(instance), system);
}
Claim standby(std::uint32_t timeline, std::uint64_t system = 7) {
  return server(true, timeline, "", system);
}
Claim gone(Claim claim) {
  claim.alive = false;
  return claim;
}

using Claims = std::vector<Claim>;

TEST_CASE("the primary is who is not in recovery, wherever it stands in the list") {
  Authority authority;
  auto const verdict = authority.judge(Claims{standby(1), primary(1), standby(1)}, true);
  CHECK(verdict.primary == 1U);
  CHECK(std::ranges::count(verdict.refusals, Refusal::none) == 3);
  CHECK(authority.timeline() == 1);
  CHECK(authority.system() == 7);
}

TEST_CASE("a promoted standby wins over the primary it came from, for good") {
  Authority authority;
  CHECK(authority.judge(Claims{primary(1, "a"), standby(1)}, true).primary == 0U);
  auto const after = authority.judge(Claims{primary(1, "a"), primary(2, "b")}, true);
  CHECK(after.primary == 1U);
  CHECK(after.refusals[0] == Refusal::old_timeline);
  auto const alone = authority.judge(Claims{primary(1, "a"), gone(primary(2, "b"))}, true);
  CHECK_FALSE(alone.primary);
  CHECK(alone.refusals[0] == Refusal::old_timeline);
}

TEST_CASE("a standby on a higher timeline is enough to refuse a primary") {
  Authority authority;
  auto const verdict = authority.judge(Claims{primary(1), standby(2)}, true);
  CHECK_FALSE(verdict.primary);
  CHECK(verdict.refusals[0] == Refusal::old_timeline);
}

TEST_CASE("two primaries on one timeline: nobody is written to until one is gone") {
  Authority authority;
  auto const both = authority.judge(Claims{primary(2, "a"), primary(2, "b"), standby(2)}, true);
  CHECK_FALSE(both.primary);
  CHECK(both.refusals[0] == Refusal::split_brain);
  CHECK(both.refusals[1] == Refusal::split_brain);
  CHECK(authority.judge(Claims{primary(2, "a"), gone(primary(2, "b"))}, true).primary == 0U);
}

TEST_CASE("one server behind two addresses is one server") {
  Authority authority;
  CHECK(authority.judge(Claims{primary(2, "a"), primary(2, "a")}, true).primary == 0U);
  CHECK_FALSE(authority.judge(Claims{primary(2), primary(2)}, true).primary);
}

TEST_CASE("another cluster's server is left alone, whichever answered first") {
  Authority authority;
  auto const early = authority.judge(Claims{primary(5, "x", 9), Claim{}, Claim{}}, false);
  CHECK(early.primary == 0U);
  auto const verdict =
      authority.judge(Claims{primary(5, "x", 9), primary(1, "a"), standby(1)}, true);
  CHECK(verdict.primary == 1U);
  CHECK(verdict.refusals[0] == Refusal::foreign_system);
}

TEST_CASE("the node that is called the primary says which cluster is meant") {
  Authority authority;
  auto told = primary(1, "a");
  told.told = true;
  auto const verdict = authority.judge(Claims{primary(1, "x", 9), told}, true);
  CHECK(verdict.primary == 1U);
  CHECK(verdict.refusals[0] == Refusal::foreign_system);
}

TEST_CASE("a primary that refuses writes is none") {
  Authority authority;
  auto closed = primary(1);
  closed.seen->writable = false;
  auto const verdict = authority.judge(Claims{closed}, true);
  CHECK_FALSE(verdict.primary);
  CHECK(verdict.refusals[0] == Refusal::read_only);
}

TEST_CASE("a server that tells nothing of its history can still be the only primary") {
  Authority authority;
  CHECK(authority.judge(Claims{primary(0, "a", 0), standby(0, 0)}, true).primary == 0U);
}

// Whatever is seen in whatever order.
TEST_CASE("never two, never a lower timeline, never a stranger") {
  CHECK(rc::check("authority", [] {
    Authority authority;
    std::uint32_t highest = 0;
    auto const rounds = *rc::gen::inRange(1, 20);
    for (int round = 0; round < rounds; ++round) {
      Claims claims(*rc::gen::inRange<std::size_t>(1, 5));
      std::size_t number = 0;
      for (auto& claim : claims) {
        ++number;
        if (*rc::gen::inRange(0, 5) == 0) continue;
        claim = server(*rc::gen::arbitrary<bool>(), *rc::gen::inRange<std::uint32_t>(1, 5),
                       std::to_string(number));
        claim.alive = *rc::gen::inRange(0, 4) != 0;
      }
      auto const verdict = authority.judge(claims, true);
      for (auto const& claim : claims) {
        if (claim.seen) highest = std::max(highest, claim.seen->position.timeline);
      }
      RC_ASSERT(authority.timeline() == highest);
      if (!verdict.primary) continue;
      auto const& chosen = claims[*verdict.primary];
      RC_ASSERT(chosen.alive && !chosen.seen->standby);
      RC_ASSERT(chosen.seen->position.timeline == highest);
      auto const equals = std::ranges::count_if(claims, [&](Claim const& claim) {
        return claim.alive && claim.seen && !claim.seen->standby &&
               claim.seen->position.timeline == highest;
      });
      RC_ASSERT(equals == 1);
    }
  }));
}

}  // namespace
}  // namespace moonpool::policy
