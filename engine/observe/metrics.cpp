#include "observe/metrics.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <sstream>
#include <tuple>

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "observe/fingerprint.hpp"

namespace moonpool::observe {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Labels;

namespace {

Histogram::BucketBoundaries seconds_buckets() {
  return {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10};
}
Histogram::BucketBoundaries rows_buckets() { return {1, 2, 5, 10, 20, 50, 100, 500, 1000, 10000}; }

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// What may be a label: whoever writes SQL must not be able to make as many series as there are words.
std::string known_operation(std::string_view operation) {
  static constexpr std::array<std::string_view, 23> kKnown = {
      "SELECT", "INSERT",  "UPDATE", "DELETE",   "MERGE",   "VALUES", "COPY",   "CALL",
      "CREATE", "ALTER",   "DROP",   "TRUNCATE", "EXPLAIN", "BATCH",  "SCRIPT", "SET",
      "SHOW",   "ANALYZE", "VACUUM", "REFRESH",  "GRANT",   "FETCH",  "DO"};
  auto const* const found = std::ranges::find(kKnown, operation);
  return std::string(found == kKnown.end() ? "OTHER" : operation);
}

std::string pool_name(std::string_view node, std::string_view purpose) {
  return std::string(node) + "/" + std::string(purpose);
}

using Key = std::tuple<std::string, std::string, std::string>;

// Series of one family, found by what tells them apart without building their labels again.
template <class Metric>
class Series {
 public:
  template <class Make>
  Metric& at(std::string_view a, std::string_view b, std::string_view c, Make&& make) {
    std::lock_guard const lock(mutex_);
    auto const view = std::tuple(a, b, c);
    if (auto const found = known_.find(view); found != known_.end()) return *found->second;
    Metric& made = make();
    known_.emplace(Key(a, b, c), &made);
    return made;
  }

 private:
  struct Less {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(A const& a, B const& b) const {
      return std::tuple<std::string_view, std::string_view, std::string_view>(a) <
             std::tuple<std::string_view, std::string_view, std::string_view>(b);
    }
  };
  std::mutex mutex_;
  std::map<Key, Metric*, Less> known_;  // guarded by mutex_
};

// ---- What is read when somebody looks --------------------------------------------------------

using Snapshot = std::vector<prometheus::MetricFamily>;

prometheus::MetricFamily& family(Snapshot& out, std::string name, std::string help,
                                 prometheus::MetricType type = prometheus::MetricType::Gauge) {
  out.push_back({std::move(name), std::move(help), type, {}});
  return out.back();
}

void add(prometheus::MetricFamily& to, double value, Labels const& labels) {
  prometheus::ClientMetric metric;
  for (auto const& [name, text] : labels) metric.label.push_back({name, text});
  if (to.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  to.metric.push_back(std::move(metric));
}

void add_pools(Snapshot& out, std::vector<NodeFigures> const& nodes) {
  prometheus::MetricFamily count{"db_client_connection_count",
                                 "Connections by what they do",
                                 prometheus::MetricType::Gauge,
                                 {}};
  prometheus::MetricFamily most{
      "db_client_connection_max", "Connections at most", prometheus::MetricType::Gauge, {}};
  prometheus::MetricFamily waiting{"db_client_connection_pending_requests",
                                   "Callers that wait for a connection",
                                   prometheus::MetricType::Gauge,
                                   {}};
  prometheus::MetricFamily timeouts{"db_client_connection_timeouts_total",
                                    "Callers that gave up waiting for a connection",
                                    prometheus::MetricType::Counter,
                                    {}};
  for (auto const& node : nodes) {
    for (auto const& pool : node.pools) {
      Labels const labels = {
          {"db_client_connection_pool_name", pool_name(node.name, pool.purpose)}};
      auto with_state = [&](char const* state) {
        auto more = labels;
        more["db_client_connection_state"] = state;
        return more;
      };
      add(count, static_cast<double>(pool.idle), with_state("idle"));
      add(count, static_cast<double>(pool.used), with_state("used"));
      add(count, static_cast<double>(pool.opening), with_state("connecting"));
      add(most, static_cast<double>(pool.max), labels);
      add(waiting, static_cast<double>(pool.waiting), labels);
      add(timeouts, static_cast<double>(pool.timeouts), labels);
    }
  }
  for (auto* one : {&count, &most, &waiting, &timeouts}) out.push_back(std::move(*one));
}

double breaker_number(std::string_view state) {
  return state == "closed" ? 0 : state == "half_open" ? 1 : 2;
}

void add_nodes(Snapshot& out, std::vector<NodeFigures> const& nodes) {
  auto each = [&](std::string name, std::string help, auto&& tell) {
    auto& to = family(out, std::move(name), std::move(help));
    for (auto const& node : nodes) tell(to, node);
  };
  each("moonpool_node_up", "1: it answered when it was last asked", [](auto& to, auto const& node) {
    add(to, node.up ? 1 : 0, {{"node", node.name}});
  });
  each("moonpool_node_info", "What a node is", [](auto& to, auto const& node) {
    add(to, 1, {{"node", node.name}, {"role", node.role}, {"server_address", node.address}});
  });
  each("moonpool_node_lag_seconds", "How far a replica is behind; absent where nobody knows",
       [](auto& to, auto const& node) {
         if (node.lag_seconds) add(to, *node.lag_seconds, {{"node", node.name}});
       });
  each("moonpool_node_lag_bytes",
       "How much log a replica has not replayed; absent where nobody knows",
       [](auto& to, auto const& node) {
         if (node.lag_bytes) add(to, *node.lag_bytes, {{"node", node.name}});
       });
  each("moonpool_breaker_state", "0 closed, 1 half open, 2 open", [](auto& to, auto const& node) {
    add(to, breaker_number(node.write_breaker), {{"node", node.name}, {"route", "write"}});
    add(to, breaker_number(node.read_breaker), {{"node", node.name}, {"route", "read"}});
  });
}

}  // namespace

// ---- What is counted as it happens -----------------------------------------------------------

struct Metrics::Counts {
  prometheus::Registry registry;

  Family<Histogram>& histogram(char const* name, char const* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  Family<Counter>& counter(char const* name, char const* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }

  Family<Histogram>& durations =
      histogram("db_client_operation_duration_seconds", "How long statements took");
  Family<Histogram>& rows =
      histogram("db_client_response_returned_rows", "Rows that statements gave or touched");
  Family<Histogram>& creates =
      histogram("db_client_connection_create_time_seconds", "How long opening a connection took");
  Family<Histogram>& waits =
      histogram("db_client_connection_wait_time_seconds", "How long finding a connection took");
  Family<Histogram>& uses =
      histogram("db_client_connection_use_time_seconds", "How long connections were lent");
  Family<Counter>& connect_failures =
      counter("moonpool_connect_failures_total", "Connections that could not be opened");
  Family<Counter>& recoveries = counter("moonpool_recoveries_total",
                                        "Connections that were left in the middle of their work");
  Family<Counter>& retries = counter("moonpool_retries_total", "Calls that were run again");
  Family<Counter>& transactions =
      counter("moonpool_transactions_total", "Transactions by what became of them");
  Family<Counter>& role_changes =
      counter("moonpool_role_changes_total", "Times a node became something else");
  Family<Counter>& breaker_changes =
      counter("moonpool_breaker_changes_total", "Times a breaker changed its state");

  Series<Histogram> known_durations;
  Series<Histogram> known_rows;
  Series<Histogram> known_uses;
  Series<Histogram> known_waits;

  void statement(Activity const& activity);
  void happened(Activity const& activity);
};

void Metrics::Counts::statement(Activity const& activity) {
  auto operation = activity.operation;
  std::shared_ptr<Fingerprint const> print;
  if (operation.empty()) {
    print = fingerprint(activity.sql);
    operation = print->operation;
  }
  auto const name = known_operation(operation);
  std::string_view const error = activity.error == nullptr            ? std::string_view()
                                 : activity.error->sqlstate().empty() ? activity.error->name()
                                                                      : activity.error->sqlstate();
  auto labels = [&] {
    return Labels{{"db_system_name", "postgresql"},
                  {"db_operation_name", name},
                  {"node", std::string(activity.node)}};
  };
  auto& duration = known_durations.at(activity.node, name, error, [&]() -> Histogram& {
    auto all = labels();
    if (!error.empty()) all["error_type"] = error;
    if (activity.error != nullptr && !activity.error->sqlstate().empty()) {
      all["db_response_status_code"] = activity.error->sqlstate();
    }
    return durations.Add(all, seconds_buckets());
  });
  duration.Observe(seconds(activity.took));
  if (activity.error != nullptr) return;
  auto& returned = known_rows.at(
      activity.node, name, {}, [&]() -> Histogram& { return rows.Add(labels(), rows_buckets()); });
  returned.Observe(static_cast<double>(activity.rows));
}

// What is rare enough to be found by its labels.
void Metrics::Counts::happened(Activity const& activity) {
  std::string const node(activity.node);
  switch (activity.kind) {
    case Kind::transaction:
      transactions.Add({{"node", node}, {"outcome", std::string(activity.to)}}).Increment();
      break;
    case Kind::connect: {
      Labels const labels = {{"db_client_connection_pool_name", pool_name(node, activity.purpose)}};
      if (activity.error != nullptr) {
        connect_failures.Add(labels).Increment();
      } else {
        creates.Add(labels, seconds_buckets()).Observe(seconds(activity.took));
      }
      break;
    }
    case Kind::recover:
      recoveries.Add({{"node", node}, {"outcome", std::string(activity.to)}}).Increment();
      break;
    case Kind::retry:
      retries
          .Add({{"node", node},
                {"error_type",
                 std::string(activity.error != nullptr ? activity.error->name() : "")}})
          .Increment();
      break;
    case Kind::role:
      role_changes.Add({{"node", node}, {"role", std::string(activity.to)}}).Increment();
      break;
    case Kind::breaker:
      breaker_changes
          .Add({{"node", node},
                {"route", std::string(activity.purpose)},
                {"to", std::string(activity.to)}})
          .Increment();
      break;
    default:
      break;
  }
}

Metrics::Metrics() : counts_(std::make_unique<Counts>()) {}
Metrics::~Metrics() = default;

void Metrics::see(Activity const& activity) noexcept {
  if (activity.stage == Stage::begin) return;
  auto& counts = *counts_;
  try {
    auto named = [&](Family<Histogram>& in) {
      return [&in, &activity]() -> Histogram& {
        return in.Add(
            {{"db_client_connection_pool_name", pool_name(activity.node, activity.purpose)}},
            seconds_buckets());
      };
    };
    switch (activity.kind) {
      case Kind::statement:
        return counts.statement(activity);
      case Kind::acquire:
        return counts.known_waits.at(activity.node, activity.purpose, {}, named(counts.waits))
            .Observe(seconds(activity.took));
      case Kind::use:
        return counts.known_uses.at(activity.node, activity.purpose, {}, named(counts.uses))
            .Observe(seconds(activity.took));
      default:
        return counts.happened(activity);
    }
  } catch (std::exception const&) {
    // Out of memory for a new series: it is not counted.
  }
}

std::string Metrics::text(std::vector<NodeFigures> const& nodes) const {
  auto all = counts_->registry.Collect();
  add_pools(all, nodes);
  add_nodes(all, nodes);
  std::erase_if(all, [](auto const& one) { return one.metric.empty(); });
  for (auto& one : all) {
    std::ranges::sort(one.metric, {}, &prometheus::ClientMetric::label);
  }
  std::ranges::sort(all, {}, &prometheus::MetricFamily::name);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, all);
  return out.str();
}

}  // namespace moonpool::observe
