#pragma once

#include "async/operation.hpp"
#include "wire/conninfo.hpp"

namespace moonpool::wire {

// The same Conninfo with hostaddr filled in where host is a name that must be looked up. The look-up
// runs on a thread of its own, which outlives the operation if it hangs. Throws Error(connection)
// when the name is unknown, Error(timeout) when the answer does not come by the deadline.
async::Operation<Conninfo> resolve_host(Conninfo info, Deadline deadline);

}  // namespace moonpool::wire
