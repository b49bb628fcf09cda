#include "wire/versions.hpp"

#include <pqxx/version>

namespace moonpool::wire {

std::string libpqxx_version() { return PQXX_VERSION; }

}  // namespace moonpool::wire
