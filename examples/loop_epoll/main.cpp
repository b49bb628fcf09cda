// A program with its own epoll loop runs many statements at once on a few connections, without a thread of its own for
// any of them.
//
//   loop_epoll      on the servers that MOONPOOL_PRIMARY and MOONPOOL_REPLICA (or DATABASE_URL) name
#include <sys/epoll.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <list>
#include <memory>
#include <moonpool/pending.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// The host's loop: statements beside whatever else it watches.
class Loop {
 public:
  using Done = std::function<void(moonpool::Pending&)>;

  Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw std::runtime_error("no epoll");
  }
  ~Loop() { close(epoll_); }
  Loop(Loop const&) = delete;
  Loop& operator=(Loop const&) = delete;

  void start(std::unique_ptr<moonpool::Pending> pending, Done done) {
    calls_.push_back({std::move(pending), std::move(done), -1, Clock::time_point::max()});
    step(std::prev(calls_.end()), moonpool::Pending::Wakeup::ready);
  }

  // Until every statement has ended.
  void run() {
    while (!calls_.empty()) {
      auto soonest = Clock::time_point::max();
      for (auto const& call : calls_) soonest = std::min(soonest, call.deadline);
      int timeout = -1;
      if (soonest != Clock::time_point::max()) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(soonest - Clock::now());
        timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
      }
      epoll_event events[32];
      int const count = epoll_wait(epoll_, events, 32, timeout);
      for (int i = 0; i < count; ++i) {
        // An earlier one of this round may have started, or ended, others; each event is its own call's.
        auto* const call = static_cast<Call*>(events[i].data.ptr);
        auto const at = std::find_if(calls_.begin(), calls_.end(),
                                     [call](Call const& one) { return &one == call; });
        if (at != calls_.end()) step(at, moonpool::Pending::Wakeup::ready);
      }
      auto const now = Clock::now();
      for (auto at = calls_.begin(); at != calls_.end();) {
        auto const next = std::next(at);
        if (at->deadline <= now) step(at, moonpool::Pending::Wakeup::timed_out);
        at = next;
      }
    }
  }

 private:
  struct Call {
    std::unique_ptr<moonpool::Pending> pending;
    Done done;
    int fd;
    Clock::time_point deadline;
  };
  using Place = std::list<Call>::iterator;

  void step(Place at, moonpool::Pending::Wakeup wakeup) {
    auto& call = *at;
    // Before the step, because what the descriptor is afterwards is the library's business.
    if (call.fd >= 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, call.fd, nullptr);
    call.fd = -1;
    if (call.pending->step(wakeup)) {
      auto const ended = std::move(call);
      calls_.erase(at);
      ended.done(*ended.pending);
      return;
    }
    auto const timeout = call.pending->timeout();
    call.deadline = timeout ? Clock::now() + *timeout : Clock::time_point::max();
    if (call.pending->fd() < 0) return;
    epoll_event wanted{};
    if (call.pending->wants_read()) wanted.events |= EPOLLIN;
    if (call.pending->wants_write()) wanted.events |= EPOLLOUT;
    wanted.data.ptr = &call;
    call.fd = call.pending->fd();
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, call.fd, &wanted) != 0)
      throw std::runtime_error("epoll_ctl");
  }

  int epoll_;
  std::list<Call> calls_;
};

}  // namespace

int main() {
  try {
    auto const cluster = moonpool::Cluster::connect({.pool_max = 4});
    auto session = cluster.session();
    Loop loop;

    // 64 chains of 20 reads each; every answer starts the next.
    long sum = 0;
    std::function<void(int)> ask = [&](int number) {
      loop.start(std::make_unique<moonpool::Pending>(session, MP_READ, "select $1::int * 2",
                                                     std::vector<moonpool::Param>{number}),
                 [&, number](moonpool::Pending& answered) {
                   auto const doubled = answered.take()[0][0].as<long>();
                   if (doubled != 2L * number) throw std::runtime_error("somebody else's answer");
                   sum += doubled;
                   if (number % 20 != 0) ask(number + 1);
                 });
    };
    for (int chain = 0; chain < 64; ++chain) ask(chain * 20 + 1);

    // A deadline of its own, in the same loop.
    std::string late;
    loop.start(std::make_unique<moonpool::Pending>(session, MP_READ, "select pg_sleep(20)",
                                                   std::vector<moonpool::Param>{},
                                                   std::chrono::milliseconds(300)),
               [&late](moonpool::Pending& ended) {
                 try {
                   ended.take();
                 } catch (moonpool::Error const& error) {
                   late = error.kind;
                 }
               });
    loop.run();
    std::cout << "1280 answers, their sum is " << sum << "; the late one: " << late << '\n';
    bool const right = sum == 1280L * 1281 && late == "timeout";
    return right ? 0 : 1;
  } catch (std::exception const& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
