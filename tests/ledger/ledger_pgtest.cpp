#include "ledger/run.hpp"

namespace moonpool {

TEST_CASE("a minute of random faults: nothing lost, nothing twice, nothing that was denied") {
  test::run_ledger(60);
}

TEST_CASE("the same where connections are scarce, and shared") { test::run_ledger(60, true); }

}  // namespace moonpool
