#include "observe/metrics.hpp"

#include <string>
#include <thread>
#include <vector>

#include "observe/hub.hpp"
#include "support/catch.hpp"

namespace moonpool::observe {
namespace {

Activity statement(std::string_view sql) {
  Activity activity;
  activity.kind = Kind::statement;
  activity.stage = Stage::end;
  activity.node = "primary";
  activity.sql = sql;
  activity.statements = 1;
  activity.rows = 3;
  activity.took = std::chrono::milliseconds(3);
  return activity;
}

bool has(std::string const& text, std::string_view line) {
  return text.find(line) != std::string::npos;
}

TEST_CASE("counting begins when somebody asks, and is the same for all who ask") {
  Hub hub({.level = Level::off});
  CHECK_FALSE(hub.wants(Kind::statement));
  auto& metrics = hub.metrics();
  CHECK(&hub.metrics() == &metrics);
  CHECK(hub.wants(Kind::statement));
  CHECK_FALSE(hub.wants(Kind::audit));
}

TEST_CASE("what is unknown is absent, and what is 0 is 0") {
  Metrics const metrics;
  NodeFigures node;
  node.name = "replica-1";
  node.address = "h:5432";
  node.role = "replica";
  node.write_breaker = "closed";
  node.read_breaker = "open";
  node.lag_bytes = 0;
  auto const text = metrics.text({node});
  CHECK(has(text, "moonpool_node_lag_bytes{node=\"replica-1\"} 0\n"));
  CHECK_FALSE(has(text, "moonpool_node_lag_seconds"));
  CHECK(has(text, "moonpool_breaker_state{node=\"replica-1\",route=\"read\"} 2\n"));
  CHECK(has(text, "moonpool_node_up{node=\"replica-1\"} 0\n"));
}

TEST_CASE("threads count while others look; nothing is lost") {
  Hub hub({.level = Level::off});
  auto& metrics = hub.metrics();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        hub.see(statement(t % 2 == 0 ? "select 1" : "insert into t values (1)"));
        if (i % 100 == 0) metrics.text({});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  auto const text = metrics.text({});
  for (auto const* operation : {"SELECT", "INSERT"}) {
    auto const labels = "{db_operation_name=\"" + std::string(operation) +
                        "\",db_system_name=\"postgresql\",node=\"primary\"} ";
    CHECK(has(text, "db_client_operation_duration_seconds_count" + labels + "600\n"));
    CHECK(has(text, "db_client_response_returned_rows_sum" + labels + "1800\n"));
  }
}

}  // namespace
}  // namespace moonpool::observe
