#pragma once

#include <optional>

#include "cluster/node.hpp"
#include "pool/lease.hpp"
#include "session/options.hpp"
#include "wire/statement.hpp"

namespace moonpool::session {

// Leave for a request to share a connection with strangers; nullopt: it needs one of its own. Only for a single
// statement that asks for or changes rows, as its first word tells, with nothing laid on it: then nothing
// of it is left on the connection, neither settings nor a COPY that the others would have to wait for.
std::optional<pool::Ticket> ticket_of(wire::Request const& statements, cluster::Route route,
                                      Habits const& habits);

}  // namespace moonpool::session
