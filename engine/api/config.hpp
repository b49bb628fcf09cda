#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/options.hpp"
#include "observe/log.hpp"
#include "session/options.hpp"

namespace moonpool::api {

// Everything a user can say about a cluster, as text values under dotted keys. The one place that
// knows the keys, for C++, C and Lua alike.
class Config {
 public:
  // Throws Error(config) that names the key, what it got and what it takes; nothing is changed then.
  // "replicas" and "nodes" add one more each time.
  void set(std::string_view key, std::string const& value);

  // Any of primary, replicas, nodes, dsn.
  bool names_servers() const;

  // The cluster that was asked for; without servers named here: MOONPOOL_DSN, DATABASE_URL, libpq's
  // environment, the embedded development cluster (started when it does not run).
  cluster::ClusterOptions cluster_options() const;
  session::Habits habits() const;
  // The habits said here, over those of somebody else.
  session::Habits habits_over(session::Habits habits) const;

 private:
  friend struct ConfigKeys;
  void habit(std::function<void(session::Habits&)> change) {
    habit_changes_.push_back(std::move(change));
  }
  void set_prepare(std::string_view key, std::string const& value);
  std::vector<cluster::NodeOptions> named_nodes() const;

  std::optional<wire::Conninfo> primary_;
  std::vector<wire::Conninfo> replicas_;
  std::vector<wire::Conninfo> nodes_;  // of unknown role
  cluster::ClusterOptions cluster_;
  observe::LogOptions log_;
  bool metrics_ = false;
  std::vector<std::function<void(session::Habits&)>> habit_changes_;
  std::optional<Duration> statement_timeout_;
};

}  // namespace moonpool::api
