#include "ledger/run.hpp"

namespace moonpool {

TEST_CASE("a minute of random faults: nothing lost, nothing twice, nothing that was denied") {
  test::run_ledger(60);
}

}  // namespace moonpool
