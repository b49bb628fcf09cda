#include "cluster/topology.hpp"

namespace moonpool::cluster {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::primary:
      return "primary";
    case Role::replica:
      return "replica";
    case Role::unknown:
      break;
  }
  return "unknown";
}

}  // namespace moonpool::cluster
