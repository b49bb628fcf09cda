#include "dev/server.hpp"

#include <signal.h>

#include <thread>
#include <utility>

#include "base/error.hpp"
#include "dev/postmaster_file.hpp"
#include "dev/quote.hpp"
#include "dev/spawn.hpp"

namespace moonpool::dev {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::uintmax_t kLogLimit = 8U << 20;

int signal_for(StopMode mode) {
  switch (mode) {
    case StopMode::smart:
      return SIGTERM;
    case StopMode::fast:
      return SIGINT;
    case StopMode::immediate:
      break;
  }
  return SIGQUIT;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::stopped:
      return "stopped";
    case Role::primary:
      return "primary";
    case Role::replica:
      break;
  }
  return "replica";
}

Server::Server(Ground const& ground, std::string name, int port)
    : ground_(&ground), name_(std::move(name)), port_(port) {}

fs::path Server::data() const { return ground_->folder / name_; }

fs::path Server::log() const { return ground_->folder / "log" / (name_ + ".log"); }

std::string Server::conninfo(std::string_view database) const {
  return "host=" + quote_for_conninfo(ground_->sockets.string()) +
         " port=" + std::to_string(port_) + " user=postgres dbname=" + quote_for_conninfo(database);
}

bool Server::exists() const {
  std::error_code closed;
  return fs::exists(data() / "PG_VERSION", closed);
}

pid_t Server::pid() const {
  auto const written = PostmasterFile::read(data()).pid;
  for (auto const candidate : {written, launched_}) {
    if (is_postmaster_of(candidate, data())) return candidate;
  }
  return 0;
}

void Server::start() {
  auto const until = deadline();
  launch();
  await_ready(until);
}

void Server::restart(StopMode mode) {
  stop(mode);
  start();
}

void Server::launch() {
  if (running()) return;
  if (!exists()) {
    throw Error(ErrorKind::environment, "there is no data folder " + data().string());
  }
  remove_leftovers();
  if (!being_made_) finish_making();  // an earlier start may have been cut short
  std::error_code none;
  if (auto const size = fs::file_size(log(), none); !none && size > kLogLimit) {
    fs::rename(log(), log().string() + ".old", none);
  }
  SpawnRequest request;
  request.program = ground_->binaries.tool("postgres");
  request.arguments = {"-D", data().string()};
  request.account = &ground_->account;
  request.log = log();
  request.session = true;
  if (ground_->guardian != nullptr) request.announce = ground_->guardian->announce_socket();
  launched_ = spawn(request);
}

void Server::await_ready(Deadline until) {
  for (;;) {
    auto const running = pid();
    if (running == 0) report_dead();
    if (auto const file = PostmasterFile::read(data()); file.ready && file.pid == running) return;
    if (until.passed()) {
      throw Error(ErrorKind::timeout, "the server " + name_ + " runs (process " +
                                          std::to_string(running) +
                                          ") but takes no connections yet. Its log, " +
                                          log().string() + ", ends with:\n" + log_tail(log()));
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
}

void Server::stop(StopMode mode) {
  auto const until = deadline();
  ask_to_stop(mode);
  await_stopped(mode, until);
}

void Server::ask_to_stop(StopMode mode) {
  auto const postmaster = pid();
  if (postmaster == 0) return;
  launched_ = postmaster;  // it removes its pid file a moment before it ends
  ::kill(postmaster, signal_for(mode));
  thaw();
}

void Server::await_stopped(StopMode mode, Deadline until) {
  // PostgreSQL gives its children 5 s after SIGQUIT before it kills them itself.
  auto const patience = mode == StopMode::immediate ? Deadline::in(std::chrono::seconds(7)) : until;
  while (auto const postmaster = pid()) {
    if (patience.passed()) {
      if (mode == StopMode::immediate) {
        kill_hard();
      } else {
        ::kill(postmaster, signal_for(StopMode::immediate));
        await_stopped(StopMode::immediate, until);
      }
      break;
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  forget_launched();
}

void Server::forget_launched() {
  reap(std::exchange(launched_, 0), Deadline::in(std::chrono::seconds(1)));
}

void Server::report_dead() const {
  auto const tail = log_tail(log());
  throw Error(ErrorKind::environment,
              "the server " + name_ + " of " + ground_->folder.string() + " did not come up. " +
                  (tail.empty() ? "Its log is empty: " + log().string()
                                : "Its log, " + log().string() + ", ends with:\n" + tail));
}

// What a crash left: processes without their postmaster, its segment, its pid file (whose number
// may belong to anybody by now), its socket.
void Server::remove_leftovers() {
  auto const written = PostmasterFile::read(data()).pid;
  for (auto const& orphan : processes_in(data())) {
    ::kill(orphan.pid, SIGKILL);
    while (is_alive(orphan.pid)) std::this_thread::sleep_for(milliseconds(2));
  }
  remove_shared_memory_of({written, launched_});
  forget_launched();
  std::error_code none;
  fs::remove(data() / "postmaster.pid", none);
  auto const socket = ".s.PGSQL." + std::to_string(port_);
  fs::remove(ground_->sockets / socket, none);
  fs::remove(ground_->sockets / (socket + ".lock"), none);
}

}  // namespace moonpool::dev
