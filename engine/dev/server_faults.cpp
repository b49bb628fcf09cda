#include <signal.h>

#include <algorithm>
#include <thread>

#include "base/error.hpp"
#include "dev/server.hpp"

namespace moonpool::dev {
namespace {

void send_all(std::vector<Process> const& processes, int signal) {
  for (auto const& process : processes) ::kill(process.pid, signal);
}

}  // namespace

void Server::kill_hard() {
  auto const postmaster = pid();
  if (postmaster == 0) return;
  // Stopped, it neither makes children nor reaps them, so that the pids listed stay theirs.
  ::kill(postmaster, SIGSTOP);
  auto const children = children_of(postmaster);
  send_all(children, SIGKILL);
  ::kill(postmaster, SIGKILL);
  auto const until = deadline();
  auto const gone = [&] {
    return !is_alive(postmaster) &&
           std::none_of(children.begin(), children.end(),
                        [](Process const& child) { return is_alive(child.pid); });
  };
  while (!gone()) {
    if (until.passed()) {
      throw Error(ErrorKind::timeout, "processes of the server " + name_ + " survive SIGKILL");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  // Not the pid file: the next start() finds what a crash leaves behind.
  forget_launched();
  remove_shared_memory_of({postmaster});
}

void Server::freeze() {
  freeze_postmaster();  // which makes no new children then
  auto const children = children_of(pid());
  send_all(children, SIGSTOP);
  for (auto const& child : children) await_frozen(child.pid);
}

void Server::freeze_postmaster() {
  auto const postmaster = pid();
  if (postmaster == 0) {
    throw Error(ErrorKind::usage, "the server " + name_ + " does not run, so it cannot be frozen");
  }
  ::kill(postmaster, SIGSTOP);
  await_frozen(postmaster);
}

// A process that is in the middle of a disk access stops a moment after the signal.
void Server::await_frozen(pid_t process) const {
  auto const until = deadline();
  while (is_alive(process) && !is_stopped(process)) {
    if (until.passed()) {
      throw Error(ErrorKind::timeout, "process " + std::to_string(process) + " of the server " +
                                          name_ + " does not stop");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Server::thaw() {
  auto const postmaster = pid();
  if (postmaster == 0) return;
  send_all(children_of(postmaster), SIGCONT);
  ::kill(postmaster, SIGCONT);
}

bool Server::frozen() const { return is_stopped(pid()); }

std::vector<Process> Server::processes() const {
  auto const postmaster = pid();
  return postmaster == 0 ? std::vector<Process>{} : children_of(postmaster);
}

pid_t Server::find_process(std::string_view title) const {
  for (auto const& process : processes()) {
    if (process.title().starts_with(title)) return process.pid;
  }
  return 0;
}

namespace {

void send_one(Server const& server, pid_t pid, int signal) {
  auto const children = server.processes();
  if (std::none_of(children.begin(), children.end(),
                   [pid](Process const& child) { return child.pid == pid; })) {
    throw Error(ErrorKind::usage,
                "process " + std::to_string(pid) + " is not one of the server " + server.name());
  }
  ::kill(pid, signal);
}

}  // namespace

void Server::kill_process(pid_t pid) { send_one(*this, pid, SIGKILL); }
void Server::freeze_process(pid_t pid) {
  send_one(*this, pid, SIGSTOP);
  await_frozen(pid);
}
void Server::thaw_process(pid_t pid) { send_one(*this, pid, SIGCONT); }

}  // namespace moonpool::dev
