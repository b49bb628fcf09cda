#pragma once

#include "observe/activity.hpp"
#include "observe/log.hpp"

namespace moonpool::observe {

// Which level the line of an activity has; off: it has none.
Level line_level(Activity const& activity);
// The kinds that may have lines of this level or above.
Kinds kinds_with_lines(Level least);
// The line. REQUIRES: it has one.
Event line_of(Activity const& activity);
// What the caller said of itself, as fields. nullptr: nothing.
void add_tag(Event& line, Tag const* tag);

}  // namespace moonpool::observe
