#pragma once

#include <string>

namespace moonpool::wire {

// Of the libraries as they are linked: "15.8", "7.10.0".
std::string libpq_version();
std::string libpqxx_version();

}  // namespace moonpool::wire
