#pragma once

#include <string>
#include <string_view>

namespace moonpool {

// Two lines: the line of `sql` that holds the 1-based character `position` (UTF-8 characters are
// counted, as PostgreSQL does), prefixed with "LINE n: ", and a caret below that character. A long
// line is cut around the caret. A position past the end points behind the last character.
std::string caret_lines(std::string_view sql, int position);

}  // namespace moonpool
