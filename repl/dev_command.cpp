#include "dev_command.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/suggest.hpp"
#include "dev/cluster.hpp"
#include "dev/foreground.hpp"
#include "dev/quote.hpp"
#include "exit_codes.hpp"

namespace moonpool::repl {
namespace {

constexpr int kAsUsual = -1;  // replicas: as many as there are, or one

// What the options of the subcommands are read into.
struct DevArguments {
  std::string name = "main";
  int replicas = kAsUsual;
  bool remove_data = false;
  bool as_json = false;
  bool on_replica = false;
  std::string server;
  std::vector<std::string> settings;
  std::vector<std::string> words;  // psql: its arguments; run: the command
};

dev::ClusterOptions kept(DevArguments const& arguments) {
  dev::ClusterOptions options;
  options.lifetime = dev::Lifetime::kept;
  options.name = arguments.name;
  options.replicas = arguments.replicas == kAsUsual ? 1 : arguments.replicas;
  return options;
}

// For the user to repeat: " --name x", or nothing for the usual cluster.
std::string name_option(DevArguments const& arguments) {
  return arguments.name == "main" ? "" : " --name " + arguments.name;
}

int tell_not_running(DevArguments const& arguments) {
  std::cerr << "moonpool: the cluster '" << arguments.name
            << "' does not run. Start it: moonpool dev start" << name_option(arguments) << "\n";
  return kUnreachable;
}

void print_servers(dev::Cluster& cluster) {
  for (auto const& server : cluster.servers()) {
    std::cout << server.name() << "\t" << server.conninfo() << "\n";
  }
}

int start(DevArguments const& arguments) {
  auto const began = std::chrono::steady_clock::now();
  auto cluster = dev::Cluster::start(kept(arguments));
  auto const spent =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  print_servers(cluster);
  std::fflush(stdout);
  std::cout.flush();
  std::fprintf(stderr, "The cluster '%s' (PostgreSQL %d, in %s) is ready after %.1f s.\n",
               arguments.name.c_str(), cluster.binaries().version, cluster.folder().c_str(), spent);
  return kOk;
}

int stop(DevArguments const& arguments) {
  auto cluster = dev::Cluster::attach(kept(arguments));
  if (!cluster) {
    std::cerr << "There is no cluster '" << arguments.name << "'; nothing to stop.\n";
    return kOk;
  }
  auto const folder = cluster->folder();
  if (arguments.remove_data) {
    cluster->remove();
    std::cerr << "The cluster '" << arguments.name << "' is stopped and removed.\n";
  } else {
    cluster->stop();
    std::cerr << "The cluster '" << arguments.name << "' is stopped. Its data stays in "
              << folder.string() << ".\n";
  }
  return kOk;
}

int reset(DevArguments arguments) {
  if (auto cluster = dev::Cluster::attach(kept(arguments))) {
    if (arguments.replicas == kAsUsual) {
      arguments.replicas = static_cast<int>(cluster->servers().size()) - 1;
    }
    cluster->remove();
  }
  return start(arguments);
}

nlohmann::json to_json(dev::ServerStatus const& server) {
  nlohmann::json json = {
      {"name", server.name},         {"role", dev::to_string(server.role)},
      {"running", server.pid != 0},  {"frozen", server.frozen},
      {"conninfo", server.conninfo}, {"data", server.data.string()},
      {"log", server.log.string()},
  };
  json["pid"] = server.pid != 0 ? nlohmann::json(server.pid) : nlohmann::json();
  json["position"] = server.position.empty() ? nlohmann::json() : nlohmann::json(server.position);
  json["problem"] = server.problem.empty() ? nlohmann::json() : nlohmann::json(server.problem);
  if (server.role == dev::Role::replica) {
    json["lag_bytes"] = server.lag_bytes ? nlohmann::json(*server.lag_bytes) : nlohmann::json();
    json["streaming"] = server.streaming;
    json["replay_paused"] = server.replay_paused;
  }
  return json;
}

void print_line(dev::ServerStatus const& server) {
  std::cout << server.name << "\t";
  if (server.pid == 0) {
    std::cout << "stopped";
  } else if (!server.problem.empty()) {
    std::cout << "process " << server.pid << ", no answer: " << server.problem;
  } else {
    std::cout << dev::to_string(server.role) << ", process " << server.pid << ", at "
              << server.position;
    if (server.role == dev::Role::replica) {
      std::cout << (server.streaming ? ", streaming" : ", not streaming");
      if (server.lag_bytes) std::cout << ", " << *server.lag_bytes << " bytes behind";
      if (server.replay_paused) std::cout << ", replay paused";
    }
  }
  std::cout << "\n";
}

int status(DevArguments const& arguments) {
  auto const cluster = dev::Cluster::attach(kept(arguments));
  if (!cluster) {
    if (arguments.as_json) {
      nlohmann::json const json = {{"schema_version", 1},
                                   {"name", arguments.name},
                                   {"exists", false},
                                   {"running", false},
                                   {"servers", nlohmann::json::array()}};
      std::cout << json.dump(2) << "\n";
    }
    std::cerr << "There is no cluster '" << arguments.name << "'. Make it: moonpool dev start"
              << name_option(arguments) << "\n";
    return kUnreachable;
  }
  auto const status = cluster->status();
  if (arguments.as_json) {
    nlohmann::json json = {{"schema_version", 1},
                           {"name", status.name},
                           {"exists", true},
                           {"running", status.all_running()},
                           {"folder", status.folder.string()},
                           {"account", status.account},
                           {"postgresql", status.version},
                           {"servers", nlohmann::json::array()}};
    for (auto const& server : status.servers) json["servers"].push_back(to_json(server));
    std::cout << json.dump(2) << "\n";
  } else {
    std::cout << "cluster\t" << status.name << ", PostgreSQL " << status.version << ", run by "
              << status.account << ", in " << status.folder.string() << "\n";
    for (auto const& server : status.servers) print_line(server);
  }
  return status.all_running() ? kOk : kUnreachable;
}

int env(DevArguments const& arguments) {
  auto cluster = dev::Cluster::attach(kept(arguments));
  if (!cluster || !cluster->primary().running()) return tell_not_running(arguments);
  for (auto const& [name, value] : cluster->environment()) {
    std::cout << "export " << name << "=" << dev::quote_for_shell(value) << "\n";
  }
  if (cluster->servers().size() == 1) std::cout << "unset MOONPOOL_REPLICA\n";
  return kOk;
}

int psql(DevArguments const& arguments) {
  auto cluster = dev::Cluster::attach(kept(arguments));
  if (!cluster) return tell_not_running(arguments);
  auto const wanted = !arguments.server.empty() ? arguments.server
                      : arguments.on_replica    ? std::string("replica1")
                                                : std::string("primary");
  std::string known;
  for (auto const& server : cluster->servers()) {
    known += (known.empty() ? "" : ", ") + server.name();
    if (server.name() != wanted) continue;
    if (!server.running()) return tell_not_running(arguments);
    auto const beside = cluster->binaries().tool("psql").string();
    auto const program = ::access(beside.c_str(), X_OK) == 0 ? beside : std::string("psql");
    std::vector<std::string> words = {program, server.conninfo()};
    words.insert(words.end(), arguments.words.begin(), arguments.words.end());
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execvp(program.c_str(), pointers.data());
    throw Error(ErrorKind::environment, "cannot run " + program + ": " + std::strerror(errno))
        .hint("Install PostgreSQL's client programs (Debian: apt-get install postgresql-client).");
  }
  throw Error(ErrorKind::usage, "the cluster '" + arguments.name + "' has no server '" + wanted +
                                    "'; it has " + known);
}

dev::Settings parse_settings(std::vector<std::string> const& texts) {
  dev::Settings settings;
  for (auto const& text : texts) {
    auto const equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::usage, "--set takes NAME=VALUE, not '" + text + "'");
    }
    settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

int run(DevArguments const& arguments) {
  if (arguments.words.empty()) {
    throw Error(ErrorKind::usage, "no command to run")
        .hint("For example: moonpool dev run -- make test");
  }
  dev::ClusterOptions options;
  options.name = "run";
  options.replicas = arguments.replicas == kAsUsual ? 1 : arguments.replicas;
  options.settings = parse_settings(arguments.settings);
  auto cluster = dev::Cluster::start(std::move(options));
  dev::Foreground foreground;
  auto const code = foreground.run(arguments.words, cluster.environment(), {"MOONPOOL_REPLICA"});
  cluster.stop();
  return code;
}

int guarded(std::function<int()> const& action) {
  try {
    auto const code = action();
    std::cout.flush();
    if (std::cout) return code;
    std::cerr << "moonpool: cannot write the result to stdout\n";
  } catch (Error const& error) {
    std::cerr << "moonpool: " << error.message() << "\n";
    if (!error.hint().empty()) std::cerr << error.hint() << "\n";
    return error.kind() == ErrorKind::usage ? kUsage : exit_code_for(error);
  } catch (std::exception const& error) {
    std::cerr << "moonpool: " << error.what() << "\n";
  }
  return kFailure;
}

int refuse(CLI::App const& dev) {
  auto const words = dev.remaining();
  std::vector<std::string> names;
  for (auto const* command : dev.get_subcommands([](CLI::App const*) { return true; })) {
    names.push_back(command->get_name());
  }
  std::vector<std::string_view> const known(names.begin(), names.end());
  if (words.empty()) {
    std::cerr << dev.help();
  } else {
    std::cerr << "moonpool: there is no 'dev " << words.front() << "'"
              << did_you_mean(words.front(), known) << "\n"
              << dev.help();
  }
  return kUsage;
}

// What is for another program: the words that CLI11 did not know. Those after "--" it gives to the
// parent.
std::vector<std::string> foreign_words(CLI::App const& dev, CLI::App const& command) {
  auto words = command.remaining();
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  auto const after_mark = dev.remaining();
  words.insert(words.end(), after_mark.begin(), after_mark.end());
  return words;
}

}  // namespace

void add_dev_command(CLI::App& app, int& exit_code) {
  auto* dev = app.add_subcommand("dev", "A private PostgreSQL: a primary and streaming replicas");
  dev->prefix_command();  // so that a misspelt subcommand comes to our callback
  dev->callback([dev, &exit_code] {
    if (dev->get_subcommands().empty()) exit_code = refuse(*dev);
  });
  auto const arguments = std::make_shared<DevArguments>();
  auto const add = [&](char const* name, char const* summary, auto action) {
    auto* command = dev->add_subcommand(name, summary)->prefix_command(false);
    command->callback([arguments, action, dev, command, &exit_code] {
      arguments->words = foreign_words(*dev, *command);
      exit_code = guarded([&] {
        if (!arguments->words.empty() && !command->get_prefix_command()) {
          throw Error(ErrorKind::usage,
                      "unexpected: " + without_passwords(arguments->words.front()));
        }
        return action(*arguments);
      });
    });
    return command;
  };
  auto const add_name = [&](CLI::App* command) {
    command->add_option("--name", arguments->name, "Which cluster, of several (main)");
  };
  auto const add_replicas = [&](CLI::App* command) {
    command->add_option("--replicas", arguments->replicas, "How many replicas (1)")
        ->check(CLI::Range(0, 8));
  };

  auto* const start_command = add("start", "Make the cluster if need be, and start it", start);
  add_name(start_command);
  add_replicas(start_command);

  auto* const stop_command = add("stop", "Stop the cluster; its data stays", stop);
  add_name(stop_command);
  stop_command->add_flag("--remove", arguments->remove_data, "Remove its data too");

  auto* const status_command =
      add("status", "Servers, roles, lag; exit code 3 when not all run", status);
  add_name(status_command);
  status_command->add_flag("--json", arguments->as_json, "As one JSON document");

  auto* const psql_command = add("psql", "psql on the cluster; further arguments go to psql", psql);
  add_name(psql_command);
  psql_command->add_flag("--replica", arguments->on_replica, "On the first replica");
  psql_command->add_option("--server", arguments->server, "On this one: primary, replica1, ...");
  psql_command->prefix_command();

  auto* const reset_command =
      add("reset", "Remove the cluster's data; start it anew, empty", reset);
  add_name(reset_command);
  add_replicas(reset_command);

  auto* const env_command = add("env", "Lines for a shell: eval \"$(moonpool dev env)\"", env);
  add_name(env_command);

  auto* const run_command =
      add("run", "Run -- COMMAND with a fresh cluster that goes when it ends", run);
  add_replicas(run_command);
  run_command->add_option("--set", arguments->settings, "A setting of the servers, NAME=VALUE")
      ->expected(1)
      ->take_all();
  run_command->prefix_command();
}

}  // namespace moonpool::repl
