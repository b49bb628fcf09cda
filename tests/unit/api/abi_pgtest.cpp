#include "support/server/servers.hpp"
#include "unit/api/abi_program.h"

namespace moonpool::api {
namespace {

struct Scenario {
  char const* name;
  char const* (*run)(char const* dsn);
};

TEST_CASE("the C ABI, used from C") {
  auto const dsn = test::primary().conninfo() + " application_name=abi";
  for (auto const& [name, run] :
       {Scenario{"names itself", abi_names_itself}, Scenario{"frees nothing", abi_frees_nothing},
        Scenario{"refuses configuration", abi_refuses_configuration},
        Scenario{"cannot connect", abi_cannot_connect},
        Scenario{"runs a statement", abi_runs_a_statement},
        Scenario{"tells an error", abi_tells_an_error}, Scenario{"runs batches", abi_runs_batches},
        Scenario{"steps from a loop", abi_steps_from_a_loop},
        Scenario{"times out and cancels", abi_times_out_and_cancels},
        Scenario{"abandons an operation", abi_abandons_an_operation},
        Scenario{"frees a session early", abi_frees_a_session_early},
        Scenario{"transacts", abi_transacts},
        Scenario{"misuses a transaction", abi_misuses_a_transaction},
        Scenario{"abandons a transaction", abi_abandons_a_transaction},
        Scenario{"runs a script", abi_runs_a_script},
        Scenario{"scans and splits", abi_scans_and_splits},
        Scenario{"tells its state", abi_tells_its_state}, Scenario{"closes", abi_closes},
        Scenario{"has small tools", abi_has_small_tools}}) {
    SECTION(name) {
      auto const* problem = run(dsn.c_str());
      CHECK(std::string(problem == nullptr ? "" : problem) == "");
    }
  }
  CHECK(test::eventually([] { return test::sessions("abi") == 0; }));
}

}  // namespace
}  // namespace moonpool::api
