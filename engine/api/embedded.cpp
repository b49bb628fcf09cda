#include "api/embedded.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "dev/cluster.hpp"

namespace moonpool::api {
namespace {

char const* set_in_environment(char const* name) {
  char const* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::vector<cluster::NodeOptions> nodes_of(wire::Conninfo const& info) {
  std::vector<cluster::NodeOptions> nodes;
  for (auto& one : info.each_host()) nodes.push_back({std::move(one), cluster::Role::unknown, ""});
  return nodes;
}

wire::Conninfo read(char const* name, std::string const& text) {
  try {
    return wire::Conninfo::parse(text);
  } catch (Error const& error) {
    throw Error(ErrorKind::config, std::string(name) + ": " + error.message()).hint(error.hint());
  }
}

// A primary and its replicas, as variables name them: PRIMARY, REPLICA, REPLICA_2, …
template <class Find>
std::vector<cluster::NodeOptions> nodes_by_role(Find&& find) {
  std::vector<cluster::NodeOptions> nodes;
  auto const primary = find("MOONPOOL_PRIMARY");
  if (!primary) return nodes;
  nodes.push_back({read("MOONPOOL_PRIMARY", *primary), cluster::Role::primary, "primary"});
  for (int number = 1;; ++number) {
    auto const name = "MOONPOOL_REPLICA" + (number == 1 ? "" : "_" + std::to_string(number));
    auto const replica = find(name.c_str());
    if (!replica) return nodes;
    nodes.push_back({read(name.c_str(), *replica), cluster::Role::replica,
                     "replica-" + std::to_string(number)});
  }
}

std::vector<cluster::NodeOptions> nodes_of_embedded_cluster() {
  dev::ClusterOptions options;
  options.lifetime = dev::Lifetime::kept;
  try {
    auto const cluster = dev::Cluster::start(options);
    auto const variables = cluster.environment();
    return nodes_by_role([&](std::string_view name) -> std::optional<std::string> {
      auto const found =
          std::ranges::find(variables, name, [](auto const& one) { return one.first; });
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  } catch (Error const& error) {
    throw Error(ErrorKind::environment,
                "no database was named, and the embedded one cannot be started: " + error.message())
        .hint(error.hint().empty() ? "name a database: MOONPOOL_DSN=postgresql://user@host/database"
                                   : error.hint());
  }
}

}  // namespace

std::vector<cluster::NodeOptions> nodes_of_environment() {
  auto find = [](char const* name) -> std::optional<std::string> {
    auto const* value = set_in_environment(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  if (auto const dsn = find("MOONPOOL_DSN")) return nodes_of(read("MOONPOOL_DSN", *dsn));
  if (auto nodes = nodes_by_role(find); !nodes.empty()) return nodes;
  if (auto const url = find("DATABASE_URL")) return nodes_of(read("DATABASE_URL", *url));
  for (auto const* name : {"PGHOST", "PGHOSTADDR", "PGSERVICE"}) {
    if (find(name)) return nodes_of(wire::Conninfo());
  }
  return nodes_of_embedded_cluster();
}

}  // namespace moonpool::api
