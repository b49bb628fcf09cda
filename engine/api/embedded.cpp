#include "api/embedded.hpp"

#include <array>
#include <cstdlib>

#include "base/error.hpp"

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

}  // namespace

std::vector<cluster::NodeOptions> nodes_of_environment() {
  for (auto const* name : {"MOONPOOL_DSN", "DATABASE_URL"}) {
    if (auto const* text = set_in_environment(name)) {
      try {
        return nodes_of(wire::Conninfo::parse(text));
      } catch (Error const& error) {
        throw Error(ErrorKind::config, std::string(name) + ": " + error.message()).hint(error.hint());
      }
    }
  }
  for (auto const* name : {"PGHOST", "PGHOSTADDR", "PGSERVICE"}) {
    if (set_in_environment(name) != nullptr) return nodes_of(wire::Conninfo());
  }
  throw Error(ErrorKind::environment, "no database was named and none is running here");
}

}  // namespace moonpool::api
