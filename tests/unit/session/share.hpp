#pragma once

#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/server/engine.hpp"

namespace moonpool::session {

using namespace std::chrono_literals;
using test::eventually;
using test::kRead;
using test::sql;
using test::statement;
using test::Stopwatch;
using test::wait;

inline constexpr auto kNumber = "select $1::int";
// Quick where it is told to be, so that others are let in behind it.
inline constexpr auto kPause = "select pg_backend_pid() from pg_sleep($1::float8)";

inline Habits once() {
  Habits habits;
  habits.retry.attempts = 1;
  return habits;
}

// Nothing here takes so long, however busy the machine is with other things.
inline constexpr Duration kNeverSlow = 60s;

// Sessions on the primary alone. Where a test is not about slow statements, none is taken for one.
struct Place {
  explicit Place(std::size_t max, Habits habits = {}, Duration slow = kNeverSlow)
      : name(test::unique("share")),
        engine({test::node(test::primary(), cluster::Role::primary, name)}, options(max, slow),
               habits) {}

  static cluster::ClusterOptions options(std::size_t max, Duration slow) {
    cluster::ClusterOptions out;
    out.pool.max = max;
    out.pool.share_slow = slow;
    out.health_interval = Duration::zero();
    return out;
  }
  // So that the pool has seen what it takes.
  void know(std::string const& text, std::string const& param) const {
    for (int i = 0; i < 3; ++i) test::run(*engine.session, statement(text, {param}), kRead);
  }
  // So that none has to be opened any more.
  void open_all() const {
    auto& reads = engine.cluster->nodes().front()->reads();
    std::list<pool::Lease> held;
    while (held.size() < reads.stats().max) {
      held.push_back(wait(reads.acquire(Deadline::in(20s))));
    }
  }
  pool::PoolStats stats() const { return engine.cluster->stats().front().reads; }
  bool rests() const {
    return eventually([&] {
      auto const now = stats();
      return now.busy + now.connecting + now.closing + now.waiting + now.riding == 0;
    });
  }
  std::shared_ptr<Session> session() const {
    return Session::make(engine.cluster, engine.session->habits());
  }

  std::string const name;
  test::Engine engine;
};

// A call driven by hand.
class Call {
 public:
  Call(std::shared_ptr<Session> session, wire::Statement statement, RunOptions options = kRead)
      : session_(std::move(session)), stepper_(start(*session_, std::move(statement), options)) {
    step();
  }
  explicit Call(Place const& place, std::string text = kNumber, std::string param = "1",
                RunOptions options = kRead)
      : Call(place.session(), statement(std::move(text), {std::move(param)}), options) {}

  bool step(async::Wakeup wakeup = async::Wakeup::ready) {
    if (!done_ && stepper_.step(wakeup)) done_ = true;
    return done_;
  }
  bool done() const { return done_; }
  async::Wait const& waits() const { return stepper_.wait(); }
  // "error" and what it is, or the first field.
  std::string take() {
    try {
      auto const answer = stepper_.take();
      if (auto const* error = answer.error()) return told(*error);
      return test::text_of(std::get<wire::Result>(answer.replies.front()));
    } catch (Error const& error) {
      return told(error);
    }
  }

 private:
  static async::Operation<Answer> start(Session& session, wire::Statement statement,
                                        RunOptions options) {
    return session.run({std::move(statement)}, options);
  }
  static std::string told(Error const& error) {
    return "error " +
           (error.sqlstate().empty() ? std::string(to_string(error.kind())) : error.sqlstate()) +
           " " + std::string(to_string(error.outcome()));
  }
  std::shared_ptr<Session> session_;
  async::Stepper<Answer> stepper_;
  bool done_ = false;
};

using Calls = std::list<Call>;

// Drives them side by side until all have ended, or the time is over.
inline bool drive(std::vector<Call*> calls, Duration limit = 20s) {
  auto const deadline = Deadline::in(limit);
  for (;;) {
    std::erase_if(calls, [](Call const* call) { return call->done(); });
    if (calls.empty()) return true;
    if (deadline.passed()) return false;
    std::vector<async::Wait> waits;
    auto until = deadline;
    for (auto* call : calls) {
      waits.push_back(call->waits());
      until = until.earlier(call->waits().deadline);
    }
    std::vector<unsigned char> ready(calls.size());
    async::wait_for_any(waits, ready, until);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (ready[i] != 0) {
        calls[i]->step();
      } else if (waits[i].deadline.passed()) {
        calls[i]->step(async::Wakeup::timed_out);
      }
    }
  }
}
inline bool drive(Calls& calls, Duration limit = 20s) {
  std::vector<Call*> all;
  for (auto& call : calls) all.push_back(&call);
  return drive(std::move(all), limit);
}

}  // namespace moonpool::session
