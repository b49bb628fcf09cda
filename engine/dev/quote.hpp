#pragma once

#include <string>
#include <string_view>

namespace moonpool::dev {

// One word for a POSIX shell; left as it is when no character of it is special there.
std::string quote_for_shell(std::string_view text);

// A value in libpq's `key=value` connection string; left as it is when it needs no quotes.
std::string quote_for_conninfo(std::string_view text);

// A value in postgresql.conf, and as a string literal in SQL (standard_conforming_strings is on
// wherever this floor speaks SQL, and the values it sends hold no backslash).
std::string quote_for_settings(std::string_view text);

// A quoted SQL identifier.
std::string quote_identifier(std::string_view text);

}  // namespace moonpool::dev
