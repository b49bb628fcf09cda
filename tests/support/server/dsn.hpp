#pragma once

#include <string>

namespace moonpool::test {

// Connection strings of the servers in servers.hpp, for tests that include nothing of the engine.
std::string primary_dsn();
std::string replica_dsn();

}  // namespace moonpool::test
