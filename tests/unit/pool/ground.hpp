#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "async/loop.hpp"
#include "pool/pool.hpp"
#include "proxy/proxy.hpp"
#include "support/server/servers.hpp"

namespace moonpool::pool {

using namespace std::chrono_literals;
using test::Act;
using test::error_of;
using test::eventually;
using test::primary;
using test::Proxy;
using test::Side;
using test::sql;
using test::statement;
using test::Stopwatch;
using test::unique;
using test::wait;

inline Deadline soon() { return Deadline::in(20s); }

// A pool on the primary with a keeper of its own; the server knows its sessions by its name.
class Ground {
 public:
  explicit Ground(PoolOptions options = {}, std::string const& more = "", bool threaded = true)
      : name(unique("pool")),
        pool(Pool::make("node", test::conninfo(primary(), "application_name=" + name + " " + more),
                        options, loop)) {
    pool->start();
    if (threaded) thread_ = std::thread([this] { loop.run(); });
  }
  ~Ground() {
    pool->close();
    loop.stop();
    if (thread_.joinable()) thread_.join();
  }
  Ground(Ground const&) = delete;
  Ground& operator=(Ground const&) = delete;

  Lease take() { return wait(pool->acquire(soon())); }
  int sessions() const { return test::sessions(name); }
  // Until the pool has nothing under way and so many connections at rest.
  bool rests(std::size_t idle) const {
    return eventually([&] {
      auto const stats = pool->stats();
      return stats.idle == idle &&
             stats.busy + stats.connecting + stats.closing + stats.waiting == 0;
    });
  }

  async::Loop loop;
  std::string const name;
  std::shared_ptr<Pool> const pool;

 private:
  std::thread thread_;
};

inline std::string ask(Lease& lease, std::string text) {
  auto const replies = wait(lease->run({statement(std::move(text))}, soon()));
  if (auto const* error = std::get_if<Error>(&replies.front())) return "error " + error->sqlstate();
  auto const& result = std::get<wire::Result>(replies.front());
  return result.rows() == 0 ? std::string(result.tag())
                            : std::string(result.value(0, 0).value_or("NULL"));
}

// A caller that waits in line, driven by hand.
class Caller {
 public:
  explicit Caller(Ground& ground, Deadline deadline = soon())
      : stepper_(ground.pool->acquire(deadline)) {
    step();
  }

  // True when it got its connection or its error.
  bool step(async::Wakeup wakeup = async::Wakeup::ready) {
    if (done_) return true;
    if (!stepper_.step(wakeup)) return false;
    done_ = true;
    try {
      lease = stepper_.take();
    } catch (Error const& failed) {
      error = failed;
    }
    return true;
  }
  // Waits as a driver would.
  void finish() {
    while (!done_) step(async::wait_blocking(stepper_.wait()));
  }
  bool done() const { return done_; }

  std::optional<Lease> lease;
  std::optional<Error> error;

 private:
  async::Stepper<Lease> stepper_;
  bool done_ = false;
};

}  // namespace moonpool::pool
