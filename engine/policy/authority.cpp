#include "policy/authority.hpp"

#include <algorithm>

namespace moonpool::policy {
namespace {

std::uint64_t system_of(std::span<Claim const> claims) {
  std::uint64_t chosen = 0;
  std::ptrdiff_t most = 0;
  for (auto const& claim : claims) {
    if (!claim.seen || claim.seen->position.system == 0) continue;
    auto const system = claim.seen->position.system;
    if (claim.told) return system;
    auto const votes = std::ranges::count_if(claims, [&](Claim const& other) {
      return other.seen && other.seen->position.system == system;
    });
    if (votes > most) {
      most = votes;
      chosen = system;
    }
  }
  return chosen;
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::foreign_system:
      return "foreign_system";
    case Refusal::old_timeline:
      return "old_timeline";
    case Refusal::split_brain:
      return "split_brain";
    case Refusal::read_only:
      return "read_only";
    case Refusal::none:
      break;
  }
  return "none";
}

Verdict Authority::judge(std::span<Claim const> claims, bool settled) {
  if (!fixed_) {
    auto const system = system_of(claims);
    if (system != system_) timeline_ = 0;  // that of somebody else
    system_ = system;
    fixed_ = settled && system_ != 0;
  }
  Verdict verdict;
  verdict.refusals.resize(claims.size(), Refusal::none);
  auto foreign = [&](Claim const& claim) {
    auto const system = claim.seen->position.system;
    return system != 0 && system_ != 0 && system != system_;
  };
  for (auto const& claim : claims) {
    if (claim.seen && !foreign(claim)) {
      timeline_ = std::max(timeline_, claim.seen->position.timeline);
    }
  }
  std::vector<std::size_t> claimants;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    auto const& claim = claims[i];
    if (!claim.seen || !claim.alive) continue;
    auto const timeline = claim.seen->position.timeline;
    auto& refusal = verdict.refusals[i];
    if (foreign(claim)) {
      refusal = Refusal::foreign_system;
    } else if (claim.seen->standby) {
      continue;
    } else if (timeline != 0 && timeline < timeline_) {
      refusal = Refusal::old_timeline;
    } else if (!claim.seen->writable) {
      refusal = Refusal::read_only;
    } else {
      claimants.push_back(i);
    }
  }
  if (claimants.empty()) return verdict;
  auto const& first = claims[claimants.front()].seen->instance;
  bool const one = std::ranges::all_of(claimants, [&](std::size_t i) {
    return i == claimants.front() || (!first.empty() && claims[i].seen->instance == first);
  });
  if (one) {
    verdict.primary = claimants.front();
  } else {
    for (auto i : claimants) verdict.refusals[i] = Refusal::split_brain;
  }
  return verdict;
}

}  // namespace moonpool::policy
