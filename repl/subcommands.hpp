#pragma once

#include <span>
#include <string_view>

namespace moonpool::repl {

// The subcommands that are written in Lua: moonpool.cli.<name>. This table is what the command line
// knows of them; a row more is an option more.
struct OptionRow {
  std::string_view name;   // "--out-of-order"; Lua sees it as out_of_order
  std::string_view value;  // what it takes, as help shows it; empty: a flag, which Lua sees as true
  std::string_view help;
  std::string_view actions;  // "up down": which take it; empty: all
  bool repeats = false;      // may be given several times: Lua sees a list
};

struct ActionRow {
  std::string_view name;
  std::string_view words;  // its positional arguments, as help shows them; Lua sees them in `args`
  std::string_view help;
};

struct SubcommandRow {
  std::string_view name;
  std::string_view help;
  std::span<ActionRow const> actions;  // empty: it has none
  std::span<OptionRow const> options;
};

std::span<SubcommandRow const> subcommands();

}  // namespace moonpool::repl
