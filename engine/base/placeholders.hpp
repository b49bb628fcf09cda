#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moonpool {

enum class PlaceholderStyle : std::uint8_t {
  none,
  positional,  // ?, in the order they stand
  named,       // :name; the same name is the same parameter
  native,      // $1, as PostgreSQL writes them
};

struct Placeholders {
  PlaceholderStyle style = PlaceholderStyle::none;
  std::string text;                // the statement with $n in place of ? and :name, ?? as ?
  std::size_t count = 0;           // how many parameters it takes
  std::vector<std::string> names;  // named: the name of $1, $2, …
};

// Rewrites users' placeholders to PostgreSQL's. Literals, quoted names, comments and casts stay as
// they are. Throws Error(usage) when spellings are mixed, when a literal, name or comment is not
// closed, or when more than 65,535 parameters stand in the statement.
Placeholders number_placeholders(std::string_view sql);

}  // namespace moonpool
