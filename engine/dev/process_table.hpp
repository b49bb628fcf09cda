#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moonpool::dev {

// One process as /proc shows it. Zombies are left out everywhere here: they run nothing any more.
struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  bool stopped = false;            // by SIGSTOP
  std::string program;             // "postgres"
  std::vector<std::string> words;  // its command line; a server process's title is the first word

  // The title without "postgres: " and the cluster's name: "walreceiver", "checkpointer".
  std::string_view title() const;
};

std::vector<Process> all_processes();
std::vector<Process> children_of(pid_t parent);

bool is_alive(pid_t pid);
bool is_stopped(pid_t pid);  // by SIGSTOP

// Is `pid` a postmaster that was started on exactly this data folder?
bool is_postmaster_of(pid_t pid, std::filesystem::path const& data);

// Server processes at work in `folder` or below it: postmasters by their command line, their
// orphaned children by their working folder, and the tools that build a server (initdb,
// pg_basebackup).
std::vector<Process> processes_in(std::filesystem::path const& folder);

// Removes the System V segments that these dead processes made and nobody is attached to.
// PostgreSQL keeps one per server and a killed one leaves it behind.
void remove_shared_memory_of(std::vector<pid_t> const& creators);

}  // namespace moonpool::dev
