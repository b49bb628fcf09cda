#include "arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>

#include "base/secret.hpp"
#include "base/suggest.hpp"
#include "dev_command.hpp"
#include "exit_codes.hpp"
#include "subcommands.hpp"

namespace moonpool::repl {
namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kWithValue[] = {"--dsn", "--color", "-c", "--command"};

// Everything that CLI11 fills in.
struct Line {
  CLI::App app{
      "Moonpool, a scriptable engine for PostgreSQL.\n"
      "Without a subcommand: the shell, or what is piped into it.",
      "moonpool"};
  Arguments arguments;
  int dev_exit_code = kOk;
  bool version = false;
  std::map<std::string, std::string> texts;
  std::map<std::string, Words> lists;
  std::map<std::string, bool> flags;
  Words positionals;
};

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

std::string lua_name(std::string_view option) {
  auto name = std::string(option.substr(2));
  std::ranges::replace(name, '-', '_');
  return name;
}

bool belongs(OptionRow const& option, std::string_view action) {
  if (option.actions.empty()) return true;
  auto const all = " " + std::string(option.actions) + " ";
  return all.find(" " + std::string(action) + " ") != std::string::npos;
}

void add_options(Line& line, CLI::App& to, SubcommandRow const& row, std::string_view action) {
  for (auto const& option : row.options) {
    if (!belongs(option, action)) continue;
    auto const name = std::string(option.name);
    auto const help = std::string(option.help);
    auto const key = lua_name(option.name);
    if (option.value.empty()) {
      to.add_flag(name, line.flags[key], help);
    } else if (option.repeats) {
      to.add_option(name, line.lists[key], help)
          ->expected(1)
          ->take_all()
          ->option_text(std::string(option.value) + " ...");
    } else {
      to.add_option(name, line.texts[key], help)->option_text(std::string(option.value));
    }
  }
}

void add_subcommand(Line& line, SubcommandRow const& row) {
  auto* const command = line.app.add_subcommand(std::string(row.name), std::string(row.help));
  command->fallthrough();
  if (row.actions.empty()) add_options(line, *command, row, "");
  for (auto const& action : row.actions) {
    auto* const one = command->add_subcommand(std::string(action.name), std::string(action.help));
    one->fallthrough();
    add_options(line, *one, row, action.name);
    if (!action.words.empty()) {
      one->add_option("args", line.positionals)->option_text(std::string(action.words));
    }
  }
}

void build(Line& line) {
  auto& app = line.app;
  add_dev_command(app, line.dev_exit_code);
  app.allow_extras();
  auto& wish = line.arguments;
  app.add_flag("--json", wish.json, "Results as one JSON document");
  app.add_option("--dsn", wish.dsn,
                 "Database: conninfo or URI (else MOONPOOL_DSN, DATABASE_URL, "
                 "libpq's environment, the embedded cluster)")
      ->option_text("DSN");
  app.add_option("-c,--command", wish.commands, "Run this Lua or SQL and leave")
      ->expected(1)
      ->take_all()
      ->option_text("CODE");
  app.add_option("--color", wish.color, "auto, always or never")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, ColorMode>{{"auto", ColorMode::automatic},
                                                                   {"always", ColorMode::always},
                                                                   {"never", ColorMode::never}}))
      ->option_text("WHEN");
  app.add_flag_callback(
      "--no-env-file", [&wish] { wish.env_file = false; }, "Do not read ./.env");
  app.add_flag("--read-only", wish.read_only, "Let no statement change anything");
  app.add_flag("-V,--version", line.version, "Print the version and leave");
  app.add_subcommand("run", "Run a script: moonpool run FILE ARGUMENTS... (or just moonpool FILE)")
      ->fallthrough();
  app.add_subcommand("version", "Print the version and leave")->fallthrough();
  for (auto const& row : subcommands()) add_subcommand(line, row);
}

std::vector<std::string> names_of(CLI::App const& app) {
  std::vector<std::string> names;
  for (auto const* command : app.get_subcommands([](CLI::App const*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

void add_option_names(CLI::App const& app, std::vector<std::string>& names) {
  for (auto const* option : app.get_options()) {
    for (auto const& name : option->get_lnames()) names.push_back("--" + name);
    for (auto const& name : option->get_snames()) names.push_back("-" + name);
  }
}

int refuse(std::string const& message, std::string const& help_of) {
  std::cerr << "moonpool: " << moonpool::without_passwords(message) << "\nSee: moonpool" << help_of
            << " --help\n";
  return kUsage;
}

std::string near(std::string_view word, std::vector<std::string> const& names) {
  return did_you_mean(word, std::vector<std::string_view>(names.begin(), names.end()));
}

int refuse_word(CLI::App const& at, std::string const& word, std::string const& path) {
  if (is_option(word)) {
    std::vector<std::string> names;
    for (auto const* app = &at; app != nullptr; app = app->get_parent())
      add_option_names(*app, names);
    auto const bare = word.substr(0, word.find('='));
    return refuse("there is no option '" + bare + "'" + near(bare, names), path);
  }
  auto const names = names_of(at);
  if (names.empty()) return refuse("unexpected: '" + word + "'", path);
  return refuse(
      "there is no '" + (path.empty() ? "" : path.substr(1) + " ") + word + "'" + near(word, names),
      path);
}

// Where the first word stands that is neither an option nor the value of one; words.size() for none.
std::size_t find_command(Words const& words) {
  std::size_t i = 0;
  while (i < words.size() && is_option(words[i])) {
    i += std::ranges::find(kWithValue, words[i]) != std::end(kWithValue) ? 2 : 1;
  }
  return std::min(i, words.size());
}

bool is_file(std::string const& word) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(word, ignored);
}

bool looks_like_file(std::string const& word) {
  return word == "-" || word.find('/') != std::string::npos || word.ends_with(".lua") ||
         is_file(word);
}

// What stands behind the script's name is the script's own: cuts it off before CLI11 sees it.
void cut_script(Line& line, Words& words) {
  auto at = find_command(words);
  if (at == words.size()) return;
  auto const names = names_of(line.app);
  if (words[at] == "run") {
    ++at;
    while (at < words.size() && is_option(words[at])) ++at;
    if (at == words.size()) return;
  } else if (std::ranges::find(names, words[at]) != names.end() || !looks_like_file(words[at])) {
    return;
  }
  line.arguments.action = Arguments::Action::run;
  line.arguments.file = words[at];
  line.arguments.words.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
  words.resize(at);
}

// The options that stand before the subcommand; `dev` would run before anybody looked at them.
bool knows_first_options(Line& line, Words const& words) {
  std::vector<std::string> names;
  add_option_names(line.app, names);
  auto const end = find_command(words);
  for (std::size_t i = 0; i < end; ++i) {
    auto const bare = words[i].substr(0, words[i].find('='));
    bool const is_short = bare.size() > 1 && bare[1] != '-';
    if (!is_short && std::ranges::find(names, bare) == names.end()) {
      line.arguments.exit_code = refuse_word(line.app, words[i], "");
      return false;
    }
    if (std::ranges::find(kWithValue, words[i]) != std::end(kWithValue)) ++i;
  }
  return true;
}

void fill_options(Line& line, std::string const& action) {
  auto& options = line.arguments.options;
  auto add = [&](std::string const& key, Value value) {
    options.emplace_back(key, std::move(value));
  };
  add("command", line.arguments.name);
  if (!action.empty()) add("action", action);
  add("args", Value::List(line.positionals.begin(), line.positionals.end()));
  for (auto const& [key, text] : line.texts) {
    if (!text.empty()) add(key, text);
  }
  for (auto const& [key, list] : line.lists) {
    if (!list.empty()) add(key, Value::List(list.begin(), list.end()));
  }
  for (auto const& [key, flag] : line.flags) {
    if (flag) add(key, true);
  }
}

int finish_subcommand(Line& line, CLI::App* command) {
  auto const& name = line.arguments.name = command->get_name();
  auto const actions = names_of(*command);
  auto const chosen = command->get_subcommands();
  auto* const last = chosen.empty() ? command : chosen.front();
  auto const path = " " + name + (chosen.empty() ? "" : " " + last->get_name());
  for (auto const* app : {last, command, &line.app}) {
    if (auto const extra = app->remaining(); !extra.empty()) {
      return refuse_word(*last, extra.front(), path);
    }
  }
  if (!actions.empty() && chosen.empty()) {
    std::cerr << command->help();
    return kUsage;
  }
  line.arguments.action = Arguments::Action::subcommand;
  fill_options(line, chosen.empty() ? "" : last->get_name());
  return kOk;
}

// The last look at what CLI11 made of it. The exit code; what to do is in the arguments then.
int finish(Line& line) {
  auto& wish = line.arguments;
  auto const chosen = line.app.get_subcommands();
  auto const name = chosen.empty() ? "" : chosen.front()->get_name();
  if (name == "dev") {
    wish.action = Arguments::Action::done;
    return line.dev_exit_code;
  }
  if (!name.empty() && name != "run" && name != "version")
    return finish_subcommand(line, chosen.front());
  for (auto const* app : {chosen.empty() ? &line.app : chosen.front(), &line.app}) {
    if (auto const extra = app->remaining(); !extra.empty()) {
      return refuse_word(*app, extra.front(), name.empty() ? "" : " " + name);
    }
  }
  if (line.version || name == "version") {
    wish.action = Arguments::Action::version;
  } else if (wish.action == Arguments::Action::run) {
    if (!wish.commands.empty()) return refuse("a script and -c do not go together", "");
  } else if (name == "run") {
    return refuse("which script? moonpool run FILE ARGUMENTS...", " run");
  } else if (!wish.commands.empty()) {
    wish.action = Arguments::Action::command;
  }
  return kOk;
}

}  // namespace

Arguments read_arguments(std::vector<std::string> words) {
  Line line;
  build(line);
  auto refused = [&](int code) {
    line.arguments.action = Arguments::Action::done;
    line.arguments.exit_code = code;
    return std::move(line.arguments);
  };
  if (!knows_first_options(line, words)) return refused(kUsage);
  cut_script(line, words);
  try {
    std::ranges::reverse(words);
    line.app.parse(words);
  } catch (CLI::Success const& help) {
    return refused(line.app.exit(help));
  } catch (CLI::ParseError const& error) {
    return refused(refuse(error.what(), ""));
  }
  int const code = finish(line);
  if (code != kOk || line.arguments.action == Arguments::Action::done) return refused(code);
  return std::move(line.arguments);
}

}  // namespace moonpool::repl
