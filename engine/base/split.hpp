#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace moonpool {

struct ScriptStatement {
  std::string_view
      text;  // without the semicolon, without white space around it; leans on the script
  std::size_t line = 1;  // of its first character, 1-based
  bool complete = true;  // false: the script ended inside a literal, a comment, or without `;`
};

// Cuts a script at the semicolons that end statements: not those in literals, comments, parentheses
// (CREATE RULE … DO (a; b)) or the body of a function in standard SQL (BEGIN ATOMIC … END). Pieces
// that hold only white space and comments are left out. Never throws; what is wrong in a statement
// is the server's to say.
std::vector<ScriptStatement> split_script(std::string_view script);

}  // namespace moonpool
