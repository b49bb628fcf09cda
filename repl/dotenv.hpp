#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moonpool::repl {

using Variables = std::vector<std::pair<std::string, std::string>>;

// Reads the lines of a .env file: NAME=value, `export` in front or not; # begins a comment. 'single'
// quotes keep everything, "double" ones know \n \t \" \\ \$; an unquoted value ends at white space
// followed by #. Nothing is expanded. Throws Error of kind config that names `path`, the line, and never
// the value.
Variables parse_dotenv(std::string_view text, std::string const& path);

// Puts the variables of ./.env into the environment, but for those that are there already. Without
// such a file it does nothing. Throws as parse_dotenv does, and where the file cannot be read.
void load_dotenv();

}  // namespace moonpool::repl
