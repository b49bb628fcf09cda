#include "ledger/run.hpp"

namespace moonpool {

TEST_CASE("half an hour of random faults: nothing lost, nothing twice, nothing that was denied") {
  test::run_ledger(1'800);
}

}  // namespace moonpool
