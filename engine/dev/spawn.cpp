#include "dev/spawn.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>

#include "base/error.hpp"
#include "dev/descriptor.hpp"

namespace moonpool::dev {
namespace {

using std::chrono::milliseconds;

// Everything the new process needs, made before the fork: between fork and exec only
// async-signal-safe calls are allowed, because other threads may have held any lock.
struct Plan {
  char const* program;
  char* const* arguments;
  char* const* environment;
  SpawnRequest const* request;
  char const* log;  // null: none
  int report;
};

enum class Step : int { descriptors, account, log, exec };

struct Report {
  Step step;
  int error;
};

std::string_view describe(Step step) {
  switch (step) {
    case Step::descriptors:
      return "preparing its descriptors";
    case Step::account:
      return "becoming its user";
    case Step::log:
      return "opening its log file";
    case Step::exec:
      break;
  }
  return "starting it";
}

[[noreturn]] void fail(int report, Step step) {
  Report const what{step, errno};
  if (::write(report, &what, sizeof what) < 0) ::_exit(126);
  ::_exit(127);
}

// The descriptors' final places. They are moved above them first, since this process may itself
// have been started with 0, 1 or 2 closed.
constexpr int kReport = 3, kAnnounce = 5, kAbove = 16;  // 4 is what is kept

void close_from(int first) {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0) return;
#endif
  auto const limit = std::min(::sysconf(_SC_OPEN_MAX), 65536L);
  for (int fd = first; fd < limit; ++fd) ::close(fd);
}

void announce(int socket) {
  std::array<char, 24> text{};
  auto at = text.end();
  *--at = '\n';
  for (auto pid = ::getpid(); pid > 0; pid /= 10) *--at = static_cast<char>('0' + pid % 10);
  // Without its guardian a server may still run; whoever started it stops it then.
  (void)!::send(socket, at, static_cast<std::size_t>(text.end() - at), MSG_NOSIGNAL);
}

void reset_signals(bool deaf) {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
  standard.sa_handler = SIG_IGN;
  for (int const signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP}) {
    if (deaf) ::sigaction(signal, &standard, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The announce socket stays open until exec, so that the guardian reads the end of it after that only.
void arrange_descriptors(SpawnRequest const& request, int report) {
  int const input = request.input < 0 ? ::open("/dev/null", O_RDONLY) : request.input;
  int const output = request.output < 0 ? ::open("/dev/null", O_WRONLY) : request.output;
  std::array<int, 6> places = {input, output, output, report, request.keep, request.announce};
  for (auto& fd : places) {
    if (fd < 0) continue;
    fd = ::fcntl(fd, F_DUPFD, kAbove);
    if (fd < 0) fail(report, Step::descriptors);
  }
  report = places[kReport];
  for (int place = 0; place < static_cast<int>(places.size()); ++place) {
    auto const fd = places[static_cast<std::size_t>(place)];
    bool const until_exec = place == kReport || place == kAnnounce;
    if (fd < 0) {
      ::close(place);
    } else if (::dup3(fd, place, until_exec ? O_CLOEXEC : 0) < 0) {
      fail(report, Step::descriptors);
    }
  }
  close_from(static_cast<int>(places.size()));
}

[[noreturn]] void become(Plan const& plan) {
  auto const& request = *plan.request;
  request.session ? static_cast<void>(::setsid()) : static_cast<void>(::setpgid(0, 0));
  // The pid goes out first: whoever dies from here on, the guardian knows of this process.
  if (request.announce >= 0) announce(request.announce);
  reset_signals(request.deaf);

  arrange_descriptors(request, plan.report);
  constexpr int report = kReport;
  ::umask(077);
  if (::chdir("/") != 0) fail(report, Step::descriptors);
  if (request.account != nullptr && !request.account->is_self()) {
    auto const gid = request.account->gid;
    if (::setgroups(1, &gid) != 0 || ::setgid(gid) != 0 || ::setuid(request.account->uid) != 0) {
      fail(report, Step::account);
    }
  }
  if (plan.log != nullptr) {
    int const log = ::open(plan.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log < 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0) fail(report, Step::log);
  }
  ::execve(plan.program, plan.arguments, plan.environment);
  fail(report, Step::exec);
}

std::vector<std::string> small_environment(SpawnRequest const& request) {
  std::vector<std::string> variables = {"LC_ALL=C", "HOME=/"};
  for (auto const* name : {"PATH", "LD_LIBRARY_PATH", "TZ", "TZDIR"}) {
    if (auto const* value = std::getenv(name)) variables.push_back(std::string(name) + "=" + value);
  }
  if (request.account != nullptr) variables.push_back("USER=" + request.account->name);
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// All signals wait while a fork is under way, so that no handler of ours runs in the new process.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(SignalsHeld const&) = delete;
  SignalsHeld& operator=(SignalsHeld const&) = delete;

 private:
  sigset_t before_;
};

[[noreturn]] void cannot_run(SpawnRequest const& request, Step step, int error) {
  throw Error(ErrorKind::environment, "cannot run " + request.program.string() + ": " +
                                          std::string(describe(step)) +
                                          " failed: " + std::strerror(error));
}

Descriptor pipe_end(Descriptor& other) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw Error(ErrorKind::environment, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  other = Descriptor(ends[1]);
  return Descriptor(ends[0]);
}

// The exit status, waiting for it at most until the deadline; a host that reaps or ignores all
// children itself leaves nothing to learn, which counts as 0: callers look at what the program
// made.
std::optional<int> exit_status(pid_t pid, Deadline deadline) noexcept {
  for (;;) {
    int status = 0;
    auto const waited = ::waitpid(pid, &status, WNOHANG);
    if (waited == pid) {
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    if (waited < 0 && errno != EINTR) return 0;
    if (deadline.passed()) return {};
    std::this_thread::sleep_for(milliseconds(2));
  }
}

// Feeds `input` and collects output until the program closes its end. False when the deadline
// passes.
bool converse(Descriptor& to, Descriptor& from, std::string_view input, std::string& output,
              Deadline deadline) {
  if (input.empty()) to.close();
  while (from) {
    auto const left = std::chrono::ceil<milliseconds>(deadline.left()).count();
    std::array<pollfd, 2> polled = {{{from.get(), POLLIN, 0}, {to.get(), POLLOUT, 0}}};
    auto const ready = ::poll(polled.data(), polled.size(),
                              static_cast<int>(std::clamp<long long>(left, 0, 60'000)));
    if (ready == 0 && deadline.passed()) return false;
    if (polled[1].revents != 0) {
      auto const sent = ::send(to.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
      if (input.empty() || (sent < 0 && errno != EINTR && errno != EAGAIN)) to.close();
    }
    if (polled[0].revents != 0) {
      std::array<char, 4096> space{};
      auto const got = ::read(from.get(), space.data(), space.size());
      if (got > 0) output.append(space.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) from.close();
    }
  }
  return true;
}

}  // namespace

pid_t spawn(SpawnRequest const& request) {
  std::vector<std::string> words = {request.program.string()};
  words.insert(words.end(), request.arguments.begin(), request.arguments.end());
  auto variables = small_environment(request);
  auto const arguments = pointers(words);
  auto const environment = pointers(variables);
  Descriptor report_in;
  Descriptor report_out = pipe_end(report_in);
  Plan const plan{request.program.c_str(),
                  arguments.data(),
                  environment.data(),
                  &request,
                  request.log.empty() ? nullptr : request.log.c_str(),
                  report_in.get()};
  pid_t pid = 0;
  {
    SignalsHeld const held;
    pid = ::fork();
    if (pid == 0) become(plan);
  }
  if (pid < 0) cannot_run(request, Step::exec, errno);
  report_in.close();

  Report failure{};
  ssize_t got = 0;
  do {
    got = ::read(report_out.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    exit_status(pid, Deadline::in(std::chrono::seconds(5)));
    cannot_run(request, failure.step, failure.error);
  }
  return pid;
}

void reap(pid_t pid, Deadline deadline) noexcept {
  if (pid > 0) exit_status(pid, deadline);
}

Finished run(SpawnRequest request, std::string const& input, Deadline deadline) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    throw Error(ErrorKind::environment,
                std::string("cannot make a socket pair: ") + std::strerror(errno));
  }
  Descriptor to(sockets[0]);
  Descriptor to_child(sockets[1]);
  Descriptor from_child;
  Descriptor from = pipe_end(from_child);
  request.input = to_child.get();
  request.output = from_child.get();
  auto const pid = spawn(request);
  to_child.close();
  from_child.close();

  Finished finished;
  bool const ended = converse(to, from, input, finished.output, deadline);
  auto const status = ended ? exit_status(pid, deadline) : std::nullopt;
  if (!status) {
    // Asked first: initdb then clears away the shared memory of the server it works with.
    ::kill(pid, SIGTERM);
    reap(pid, Deadline::in(std::chrono::seconds(2)));
    ::kill(-pid, SIGKILL);
    reap(pid, Deadline::in(std::chrono::seconds(5)));
    throw Error(ErrorKind::timeout, request.program.filename().string() +
                                        " did not end in time; its output was:\n" +
                                        finished.output);
  }
  finished.exit_code = *status;
  return finished;
}

std::string run_checked(SpawnRequest request, Deadline deadline) {
  auto const program = request.program.string();
  auto finished = run(std::move(request), {}, deadline);
  if (finished.exit_code != 0) {
    throw Error(ErrorKind::environment, program + " failed (exit code " +
                                            std::to_string(finished.exit_code) + "):\n" +
                                            finished.output);
  }
  return std::move(finished.output);
}

}  // namespace moonpool::dev
