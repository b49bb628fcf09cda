#include <atomic>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "moonpool/moonpool.h"
#include "support/server/servers.hpp"

namespace moonpool::api {
namespace {

struct Heard {
  std::mutex mutex;
  std::vector<std::string> operations;  // guarded by mutex
  std::atomic<int> calls{0};
};

void hear(mp_event const* event, void* data) {
  auto& heard = *static_cast<Heard*>(data);
  ++heard.calls;
  std::lock_guard const lock(heard.mutex);
  heard.operations.emplace_back(std::string(event->name) + " " + event->operation + " " +
                                event->statement + " " + event->correlation_id);
}

void run(mp_session* session, char const* sql) {
  mp_statement const statement{sql, std::strlen(sql), nullptr, 0};
  auto* const op = mp_run(session, &statement, 1, nullptr);
  mp_op_run(op);
  mp_op_free(op);
}

TEST_CASE("a function of the host's is told of events, and of none once its observer is freed") {
  auto const dsn = test::primary().conninfo() + " application_name=observed";
  auto* const config = mp_config_new();
  REQUIRE(mp_config_set(config, "primary", dsn.data(), dsn.size(), nullptr) == 1);
  REQUIRE(mp_config_set(config, "correlation_id", "request-7", 9, nullptr) == 1);
  auto* const cluster = mp_connect(config, nullptr);
  REQUIRE(cluster != nullptr);
  auto* const session = mp_session_new(cluster, nullptr, nullptr);
  Heard heard;
  mp_observe_options options{};
  options.size = sizeof options;
  options.kinds = MP_EVENT_STATEMENT | MP_EVENT_AUDIT;
  options.call = hear;
  options.data = &heard;
  auto* const observer = mp_observe(cluster, &options, nullptr);
  REQUIRE(observer != nullptr);
  run(session, "select 'secret'");
  run(session, "create temp table observed (a int)");
  CHECK(mp_observer_next(observer) == nullptr);
  mp_observer_free(observer);
  run(session, "select 2");
  CHECK(heard.operations ==
        std::vector<std::string>{"statement SELECT select ? request-7",
                                 "statement CREATE create temp table observed (a int) request-7",
                                 "audit CREATE create temp table observed (a int) request-7"});
  auto* const metrics = mp_cluster_metrics(cluster);
  CHECK(std::strstr(mp_text_data(metrics, nullptr), "moonpool_node_up{node=\"primary\"} 1"));
  mp_text_free(metrics);
  options.kinds = 0;
  mp_error* error = nullptr;
  CHECK(mp_observe(cluster, &options, &error) == nullptr);
  CHECK(std::string(mp_error_text(error, MP_ERROR_KIND)) == "usage");
  mp_error_free(error);
  mp_session_free(session);
  mp_cluster_free(cluster);
  mp_config_free(config);
}

}  // namespace
}  // namespace moonpool::api
