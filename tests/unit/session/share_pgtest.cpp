// Where connections are scarce, statements that stand alone share one: everybody gets their own answer, whatever
// becomes of the others.
#include <atomic>
#include <list>
#include <random>
#include <thread>

#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::eventually;
using test::kRead;
using test::sql;
using test::statement;
using test::Stopwatch;
using test::wait;

constexpr auto kNumber = "select $1::int";
// Quick where it is told to be, so that others are let in behind it.
constexpr auto kPause = "select pg_backend_pid() from pg_sleep($1::float8)";

Habits once() {
  Habits habits;
  habits.retry.attempts = 1;
  return habits;
}

// Sessions on the primary alone.
struct Place {
  explicit Place(std::size_t max, Habits habits = {}, pool::PoolOptions pool = {})
      : name(test::unique("share")),
        engine({test::node(test::primary(), cluster::Role::primary, name)}, options(max, pool),
               habits) {}

  static cluster::ClusterOptions options(std::size_t max, pool::PoolOptions pool) {
    cluster::ClusterOptions out;
    pool.max = max;
    // The machine may be busy with other things.
    pool.share_slow = 60ms;
    out.pool = pool;
    out.health_interval = Duration::zero();
    return out;
  }
  // So that the pool has seen what it takes.
  void know(std::string const& text, std::string const& param) const {
    for (int i = 0; i < 3; ++i) test::run(*engine.session, statement(text, {param}), kRead);
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
bool drive(std::vector<Call*> calls, Duration limit = 20s) {
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
bool drive(Calls& calls, Duration limit = 20s) {
  std::vector<Call*> all;
  for (auto& call : calls) all.push_back(&call);
  return drive(std::move(all), limit);
}

TEST_CASE("many callers on few connections, each with its own answer") {
  Place const place(2);
  place.know(kNumber, "0");
  for (int round = 0; round < 20; ++round) {
    Calls calls;
    for (int i = 0; i < 64; ++i)
      calls.emplace_back(place, kNumber, std::to_string(100 * round + i));
    REQUIRE(drive(calls));
    int i = 0;
    for (auto& call : calls) CHECK(call.take() == std::to_string(100 * round + i++));
  }
  CHECK(place.rests());
  CHECK(place.stats().rides > 600);
  CHECK(place.stats().opened <= 2);
  CHECK(test::sessions(place.name) <= 2);
}

TEST_CASE("sixteen callers on one connection are one round trip, and more wait for a seat") {
  cluster::ClusterOptions options;
  options.pool.max = 1;
  options.pool.share_slow = 60ms;
  test::Bent const bent(options);
  for (int i = 0; i < 3; ++i) test::run(*bent.session, statement(kNumber, {"0"}), kRead);
  auto& proxy = const_cast<test::Proxy&>(bent.proxy);
  proxy.patience(30ms);
  proxy.reset_round_trips();
  Calls calls;
  for (int i = 0; i < 20; ++i) {
    calls.emplace_back(Session::make(bent.cluster, {}), statement(kNumber, {std::to_string(i)}));
  }
  auto const stats = bent.cluster->stats().front().reads;
  CHECK(stats.busy == 1);
  CHECK(stats.riding == 15);
  CHECK(stats.waiting == 4);
  REQUIRE(drive(calls));
  int i = 0;
  for (auto& call : calls) CHECK(call.take() == std::to_string(i++));
  CHECK(proxy.round_trips() <= 3);
  CHECK(bent.cluster->stats().front().reads.opened == 1);
}

TEST_CASE("an error of one touches no other") {
  Place const place(1);
  auto const text = "select 100 / $1::int";
  place.know(text, "1");
  Calls calls;
  for (int i = 0; i < 12; ++i) calls.emplace_back(place, text, std::to_string(i % 4));
  CHECK(place.stats().riding == 11);
  REQUIRE(drive(calls));
  int i = 0;
  for (auto& call : calls) {
    auto const expected = i % 4 == 0 ? "error 22012 rejected" : std::to_string(100 / (i % 4));
    CHECK(call.take() == expected);
    ++i;
  }
  CHECK(place.rests());
}

TEST_CASE("what cannot be sent is the error of its caller alone") {
  Place const place(1);
  place.know(kPause, "0");
  Call first(place, kPause, "0.05");
  Call wrong(place, kPause, "\xff");
  Call last(place, kPause, "0");
  REQUIRE(drive({&first, &wrong, &last}));
  CHECK(wrong.take().starts_with("error usage"));
  CHECK(first.take() == last.take());
}

TEST_CASE("a backend that is killed: whoever was on it is in doubt, and reads run again") {
  for (bool again : {false, true}) {
    Place const place(1, again ? Habits{} : once());
    place.know(kPause, "0");
    place.know(kNumber, "0");
    Call running(place, kPause, "0.4");
    Calls behind;
    for (int i = 0; i < 6; ++i) behind.emplace_back(place, kNumber, std::to_string(i));
    CHECK(place.stats().riding == 6);
    sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = '" +
        place.name + "'");
    std::vector<Call*> all{&running};
    for (auto& call : behind) all.push_back(&call);
    REQUIRE(drive(all));
    int i = 0;
    for (auto& call : behind) {
      auto const told = call.take();
      if (again) {
        CHECK(told == std::to_string(i));
      } else {
        CHECK(told.starts_with("error"));
        CHECK(told.ends_with("unknown"));
      }
      ++i;
    }
    CHECK(place.rests());
    CHECK(test::ask(*place.engine.session, "select 5", kRead) == "5");
  }
}

TEST_CASE("a caller that goes is skipped, and nobody is cancelled for it") {
  Place const place(1);
  place.know(kPause, "0");
  Call first(place, kPause, "0.2");
  auto gone = std::make_unique<Call>(place, kPause, "0.1");
  Call last(place, kPause, "0");
  CHECK(place.stats().riding == 2);
  gone.reset();
  CHECK(place.stats().riding == 1);
  REQUIRE(drive({&first, &last}));
  auto const pid = first.take();
  CHECK(last.take() == pid);
  // The same session serves on: it was neither cancelled nor closed.
  CHECK(place.rests());
  CHECK(test::run(*place.engine.session, statement(kPause, {"0"}), kRead).value(0, 0) == pid);
}

TEST_CASE("the reader goes: another one reads on") {
  Place const place(1);
  place.know(kPause, "0");
  auto first = std::make_unique<Call>(place, kPause, "0.2");
  Call last(place, kPause, "0");
  std::thread goes([&] {
    CHECK_FALSE(drive({first.get()}, 50ms));
    first.reset();
  });
  REQUIRE(drive({&last}));
  goes.join();
  CHECK(last.take() != "");
  CHECK(place.rests());
}

TEST_CASE("a deadline is its caller's own") {
  Place const place(1);
  place.know(kPause, "0");
  auto brief = kRead;
  brief.timeout = 60ms;
  Stopwatch const watch;
  Call hurried(place, kPause, "0.5", brief);
  Call patient(place, kPause, "0");
  REQUIRE(drive({&hurried}));
  CHECK(watch.milliseconds() < 400);
  CHECK(hurried.take() == "error timeout unknown");
  REQUIRE(drive({&patient}));
  CHECK(watch.milliseconds() > 450);
  CHECK_FALSE(patient.take().starts_with("error"));
  CHECK(place.rests());
}

TEST_CASE("when everybody has gone, what runs is cancelled and the connection used again") {
  Place const place(1);
  place.know(kPause, "0");
  {
    Call one(place, kPause, "30");
    Call two(place, kPause, "30");
    CHECK(place.stats().riding == 1);
  }
  Stopwatch const watch;
  CHECK(test::ask(*place.engine.session, "select 5", kRead) == "5");
  CHECK(watch.milliseconds() < 10'000);
}

TEST_CASE("a statement known to be slow takes nobody in, nor one that was never seen") {
  Place const place(1);
  place.know(kNumber, "1");
  auto const slow = "select 1 from pg_sleep(0.12 + $1::float8)";
  auto const unseen = "select pg_sleep($1::float8), 'never seen'";
  for (std::string const text : {unseen, slow}) {
    if (text == slow) place.know(text, "0");
    Call first(place, text, "0.05");
    Call second(place, kNumber, "7");
    CHECK(place.stats().riding == 0);
    CHECK(place.stats().waiting == 1);
    REQUIRE(drive({&first, &second}));
    CHECK(second.take() == "7");
  }
  // Nor does it go in with others.
  place.know(kPause, "0");
  Call first(place, kPause, "0.05");
  Call second(place, slow, "0");
  CHECK(place.stats().waiting == 1);
  REQUIRE(drive({&first, &second}));
}

TEST_CASE("a statement that has been running for long takes nobody in any more") {
  Place const place(1);
  place.know(kPause, "0");
  place.know(kNumber, "0");
  Call first(place, kPause, "0.5");
  Call with(place, kNumber, "2");
  CHECK(place.stats().riding == 1);
  std::this_thread::sleep_for(100ms);
  Call late(place, kNumber, "3");
  CHECK(place.stats().riding == 1);
  CHECK(place.stats().waiting == 1);
  REQUIRE(drive({&first, &with, &late}));
  CHECK(with.take() == "2");
  CHECK(late.take() == "3");
}

TEST_CASE("who needs a connection alone gets the next one, before those who came later") {
  pool::PoolOptions pool;
  Place const place(1, {}, pool);
  place.know(kPause, "0");
  Call riding(place, kPause, "0.2");
  Call behind(place, kPause, "0");
  // A stream has a connection of its own.
  auto const streamer = place.session();
  async::Stepper<pool::Lease> alone(
      place.engine.cluster->nodes().front()->reads().acquire(Deadline::in(10s)));
  REQUIRE_FALSE(alone.step());
  Call later(place, kPause, "0");
  CHECK(place.stats().riding == 1);
  CHECK(place.stats().waiting == 2);
  REQUIRE(drive({&riding, &behind}));
  while (!alone.step(async::wait_blocking(alone.wait()))) {
  }
  auto lease = alone.take();
  CHECK_FALSE(lease.is_seat());
  CHECK(lease->usable());
  later.step();
  CHECK_FALSE(later.done());
  lease.give_back();
  REQUIRE(drive({&later}));
  CHECK_FALSE(later.take().starts_with("error"));
  CHECK(place.rests());
}

TEST_CASE(
    "with several connections shared, one is left to run empty for a transaction, and no more") {
  Place const place(2);
  place.know(kPause, "0");
  Calls calls;
  for (int i = 0; i < 6; ++i) calls.emplace_back(place, kPause, "0.05");
  REQUIRE(eventually([&] {
    for (auto& call : calls) call.step();
    return place.stats().opened == 2 && place.stats().busy == 2;
  }));
  async::Stepper<pool::Lease> alone(
      place.engine.cluster->nodes().front()->reads().acquire(Deadline::in(10s)));
  REQUIRE_FALSE(alone.step());
  auto const before = place.stats();
  Call more(place, kPause, "0");
  CHECK(place.stats().waiting == before.waiting);
  REQUIRE(drive(calls));
  while (!alone.step(async::wait_blocking(alone.wait()))) {
  }
  REQUIRE(drive({&more}));
  alone.take().give_back();
  CHECK(place.rests());
}

TEST_CASE("writes share where they are told to, and not by themselves") {
  for (auto share : {Share::reads, Share::all, Share::off}) {
    Habits habits;
    habits.share = share;
    Place const place(1, habits);
    auto const write = RunOptions{};
    auto const writes = [&] { return place.engine.cluster->stats().front().writes; };
    for (auto const& options : {write, kRead}) {
      for (int i = 0; i < 3; ++i) {
        test::run(*place.engine.session, statement(kPause, {"0"}), options);
      }
      Call first(place, kPause, "0.03", options);
      Call second(place, kPause, "0", options);
      bool const shares = share == Share::all || (share == Share::reads && &options != &write &&
                                                  options.route == cluster::Route::read);
      auto const now = options.route == cluster::Route::read ? place.stats() : writes();
      CHECK(now.riding == (shares ? 1U : 0U));
      CHECK(now.waiting == (shares ? 0U : 1U));
      REQUIRE(drive({&first, &second}));
      CHECK(first.take() == second.take());
    }
  }
}

TEST_CASE("what changes the session, and what lasts, has a connection of its own") {
  Place const place(1, [] {
    Habits habits;
    habits.share = Share::all;
    return habits;
  }());
  auto const laid = [&] {
    auto habits = place.engine.session->habits();
    habits.context.set("app.user", "7");
    return place.engine.session->with(habits);
  }();
  for (auto const* text : {"set work_mem = '1MB'", "/* why */ select 1", "create temp table t ()",
                           "selected", "copy t from stdin", "do 'begin end'"}) {
    INFO(text);
    CHECK_FALSE(place.engine.cluster->is_closed());
    for (int i = 0; i < 2; ++i) {
      Call call(place, text, "");
      CHECK(place.stats().rides == 0);
      REQUIRE(drive({&call}));
    }
  }
  test::run(*laid, statement(kNumber, {"1"}), kRead);
  Call one(place, kPause, "0.03");
  Call two(laid, statement("select current_setting('app.user')"));
  CHECK(place.stats().riding == 0);
  REQUIRE(drive({&one, &two}));
  CHECK(two.take() == "7");
}

TEST_CASE("threads share too: everybody has their own answer while callers go and backends die") {
  Place const place(2);
  place.know(kNumber, "0");
  place.know(kPause, "0");
  std::atomic<int> wrong = 0;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      auto const session = place.session();
      for (int i = 0; i < 120; ++i) {
        auto const number = std::to_string(t * 1000 + static_cast<unsigned>(i));
        if (t == 0 && i % 40 == 20) {
          sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = '" +
              place.name + "' limit 1");
        }
        if (random() % 8 == 0) {
          // Leaves in the middle.
          Call leaving(session, statement(kPause, {"0.001"}));
        }
        if (random() % 2 == 0) {
          try {
            auto const told = test::run(*session, statement(kNumber, {number}), kRead);
            ++(told.value(0, 0) == number ? right : wrong);
          } catch (Error const&) {
            ++wrong;
          }
          continue;
        }
        Calls calls;
        for (int n = 0; n < 5; ++n) {
          calls.emplace_back(session, statement(kNumber, {number + std::to_string(n)}));
        }
        if (!drive(calls)) ++wrong;
        int n = 0;
        for (auto& call : calls) {
          auto const told = call.take();
          if (told == number + std::to_string(n)) {
            ++right;
          } else {
            ++wrong;
          }
          ++n;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(right > 1000);
  CHECK(place.rests());
  CHECK(place.stats().rides > 0);
  CHECK(test::sessions(place.name) <= 2);
}

TEST_CASE("a loop that knows descriptors only is told by one when to go on") {
  Place const place(1);
  place.know(kPause, "0");
  Call blocking(place, kPause, "0.05");
  Call stepped(place, kPause, "0");
  auto* const shared = stepped.waits().shared;
  REQUIRE(shared != nullptr);
  int const fd = shared->descriptor();
  CHECK(async::wait_blocking({fd, async::Interest::read, Deadline::in(5ms)}) ==
        async::Wakeup::timed_out);
  // Somebody else reads, and it is told.
  std::thread reads([&] { CHECK(drive({&blocking})); });
  auto const deadline = Deadline::in(10s);
  while (!stepped.done() && !deadline.passed()) {
    int const now = stepped.waits().shared->descriptor();
    CHECK(async::wait_blocking({now, async::Interest::read, deadline}) == async::Wakeup::ready);
    stepped.waits().shared->end(true);
    stepped.step();
  }
  reads.join();
  CHECK(stepped.take() == blocking.take());
}

}  // namespace
}  // namespace moonpool::session
