#pragma once

#include <string>
#include <vector>

#include "moonpool/value.hpp"
#include "terminal.hpp"

namespace moonpool::repl {

// What the command line asks for.
struct Arguments {
  enum class Action {
    shell,       // the prompt, or the input piped in
    command,     // -c
    run,         // a script
    subcommand,  // one that is written in Lua
    version,
    done,  // it was done, or refused, while the line was read: `exit_code` is all that is left
  };

  Action action = Action::shell;
  int exit_code = 0;

  std::string dsn;
  bool json = false;
  ColorMode color = ColorMode::automatic;
  bool env_file = true;
  bool read_only = false;

  std::vector<std::string> commands;  // command: the texts of -c
  std::string file;                   // run
  std::vector<std::string> words;     // run: the script's own arguments
  std::string name;                   // subcommand: "migrate"
  Value::Map options;                 // subcommand: what its Lua module is given
};

// Reads the command line without the program's own name. What is wrong with it is told on stderr, with
// the nearest name that would be right; --help is printed. `moonpool dev …` runs here.
Arguments read_arguments(std::vector<std::string> words);

}  // namespace moonpool::repl
