#include "unit/session/lost_commits.hpp"

namespace moonpool::session {
namespace {

TEST_CASE("a thousand lost COMMITs, each told as it was") {
  auto const seed = std::random_device{}();
  INFO("seed " << seed);
  test_support::LostCommits lost(seed);
  for (int op = 0; op < 1'000; ++op) lost.lose_one(op);
  auto const verdict = lost.audit();
  CHECK(verdict.wrong == 0);
  CHECK(verdict.committed == 1'000);
  CHECK(verdict.runs > 1'100);
  CHECK(verdict.faults >= 1'000);
}

}  // namespace
}  // namespace moonpool::session
