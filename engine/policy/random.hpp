#pragma once

namespace moonpool::policy {

// A random number in [0, 1), from a generator of this thread's own.
double random_unit();

}  // namespace moonpool::policy
