#include "dev/guardian.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dev/spawn.hpp"

namespace moonpool::dev {
namespace {

namespace fs = std::filesystem;

// Plain POSIX sh with sleep, rm and grep; /proc and ipcrm as on every Linux. Servers get SIGQUIT and tools SIGTERM,
// after which they clear away their own shared memory; SIGKILL is for those that do not listen.
constexpr char const* kScript =
    R"sh(# moonpool: stops the servers in a folder when the process that started them ends
folder=$1 task=$2
trap '' PIPE  # and deaf to what asks it to end
pids= servers= tools=
while read -r word; do
  case $word in
    release) exit 0 ;;
    *) pids="$pids $word" ;;
  esac
done

at_work() { grep -qF -- "$folder/" "/proc/$1/cmdline" 2>/dev/null; }

# Between exec and its first instruction a process has no command line yet.
await_exec() {
  tries=0
  while read -r pid name state rest <"/proc/$1/stat" && [ "$state" != Z ] && [ $tries -lt 100 ]; do
    grep -q . "/proc/$1/cmdline" && return
    tries=$((tries + 1)); sleep 0.01
  done 2>/dev/null
}

# Every process that is no zombie: "PID PARENT GROUP".
processes() {
  for stat in /proc/[0-9]*/stat; do
    read -r pid name state parent group rest <"$stat" || continue
    [ "$state" = Z ] || echo "$pid $parent $group"
  done 2>/dev/null
}

signal_children() {
  processes | while read -r pid parent group; do
    [ "$parent" = "$2" ] && kill "-$1" "$pid"
  done
}

group_lives() {
  processes | while read -r pid parent group; do
    [ "$group" = "$1" ] && echo yes
  done | grep -q yes
}

anything_left() {
  for one in $servers; do at_work "$one" && return 0; done
  for one in $tools; do group_lives "$one" && return 0; done
  return 1
}

for one in $pids; do
  await_exec "$one"
  at_work "$one" || continue
  read -r program <"/proc/$one/comm"
  if [ "$program" = postgres ]; then
    servers="$servers $one"
    kill -QUIT "$one"; kill -CONT "$one"; signal_children CONT "$one"
  else
    tools="$tools $one"
    kill -TERM "$one"
  fi
done 2>/dev/null

tries=0
while anything_left && [ $tries -lt 400 ]; do
  tries=$((tries + 1))
  if [ $tries -eq 40 ]; then
    for one in $tools; do kill -KILL "-$one"; done 2>/dev/null
  fi
  if [ $tries -eq 160 ]; then
    for one in $servers; do
      at_work "$one" || continue
      kill -STOP "$one"; signal_children KILL "$one"; kill -KILL "$one"
    done 2>/dev/null
  fi
  sleep 0.05
done

# A server that was killed leaves a System V segment; its creator's pid tells whose it is.
[ -r /proc/sysvipc/shm ] && while read -r key id mode size creator last attached rest; do
  for one in $pids; do
    [ "$creator" = "$one" ] && [ "$attached" = 0 ] && ipcrm -m "$id"
  done
done </proc/sysvipc/shm 2>/dev/null

if [ "$task" = remove ]; then
  rm -rf -- "$folder" 2>/dev/null
  [ ! -e "$folder" ] || exit 1
  rm -f -- "$folder.lock"
  rmdir -- "${folder%/*}" 2>/dev/null
else
  rm -rf -- "$folder"/*.new
fi
echo done
)sh";

}  // namespace

Guardian::Guardian(fs::path const& folder, Task task, int lock) : owner_(::getpid()) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error(ErrorKind::environment,
                std::string("cannot make a socket pair: ") + std::strerror(errno));
  }
  socket_ = Descriptor(ends[0]);
  Descriptor const theirs(ends[1]);
  SpawnRequest request;
  request.program = "/bin/sh";
  request.arguments = {"-c", kScript, "moonpool-guardian", folder.string(),
                       task == Task::remove ? "remove" : "undo_start"};
  request.input = theirs.get();
  request.output = theirs.get();
  request.keep = lock;
  request.session = true;
  request.deaf = true;
  pid_ = spawn(request);
}

Guardian::~Guardian() {
  // shutdown, because a process that we forked may hold a copy of the socket, which close would
  // respect.
  if (socket_ && owner_ == ::getpid()) ::shutdown(socket_.get(), SHUT_WR);
}

void Guardian::release() noexcept {
  constexpr std::string_view kWord = "release\n";
  ::send(socket_.get(), kWord.data(), kWord.size(), MSG_NOSIGNAL);
  wait_for_end(Deadline::in(std::chrono::seconds(5)));
}

bool Guardian::finish(Deadline deadline) noexcept {
  if (owner_ != ::getpid()) return true;
  ::shutdown(socket_.get(), SHUT_WR);
  return wait_for_end(deadline);
}

bool Guardian::wait_for_end(Deadline deadline) noexcept {
  bool said_done = false;
  while (!deadline.passed()) {
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count();
    pollfd polled{socket_.get(), POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(std::clamp<long long>(left, 0, 60'000))) <= 0) continue;
    std::array<char, 16> space{};
    auto const got = ::read(socket_.get(), space.data(), space.size());
    if (got > 0) said_done = true;
    if (got == 0 || (got < 0 && errno != EINTR)) break;
  }
  socket_.close();
  reap(pid_, Deadline::in(std::chrono::seconds(1)));
  return said_done;
}

}  // namespace moonpool::dev
