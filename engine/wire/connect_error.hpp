#pragma once

#include <string>

#include "base/error.hpp"
#include "wire/conninfo.hpp"

namespace moonpool::wire {

// The error of a connection attempt from libpq's message, which must be free of secrets. libpq keeps
// no SQLSTATE of a refused start-up, so the well-known refusals are told by their English text; in
// another language the error is a plain `connection` one, which is tried again until the deadline.
Error connect_error(std::string message, Conninfo const& info);

}  // namespace moonpool::wire
