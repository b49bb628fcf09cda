// Deadlines and cancels: callers leave in time whatever the server or the network does, what they left is
// stopped on the server, and no cancel ever meets somebody else's statement.
#include <atomic>

#include "faults/ground.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Act;
using test::ask;
using test::Bent;
using test::Engine;
using test::error_of;
using test::eventually;
using test::failure_of;
using test::Findings;
using test::grace;
using test::once;
using test::primary;
using test::Side;
using test::side_by_side;
using test::sql;
using test::Stopwatch;
using test::wait;
using test::writes;

// What a session is doing right now on the server, under this name.
std::string running(std::string const& name) {
  return sql(
      "select count(*) from pg_stat_activity where state = 'active' and application_name = '" +
      name + "'");
}

enum class Cancel : std::uint8_t { works, swallowed, late };

TEST_CASE("past its deadline a statement is left, stopped, and nobody else feels the cancel") {
  for (auto const cancel : {Cancel::works, Cancel::swallowed, Cancel::late}) {
    INFO("cancel " << static_cast<int>(cancel));
    cluster::ClusterOptions options;
    options.pool.max = 2;
    options.pool.recover_timeout = 500ms;
    Bent bent(options);
    ask(*bent.session, "select 1");
    auto const act = cancel == Cancel::works       ? Act::pass
                     : cancel == Cancel::swallowed ? Act::swallow
                                                   : Act::hold;
    auto const rule = bent.proxy.add({.type = test::kCancelRequest, .nth = 0, .act = act});
    auto const sent = bent.proxy.add({.type = 'P', .text = "pg_sleep(10)", .act = Act::pass});
    Stopwatch const watch;
    auto const error =
        error_of([&] { ask(*bent.session->with(once(200ms)), "select pg_sleep(10)"); });
    CHECK(watch.milliseconds() >= 200);
    CHECK(watch.milliseconds() < 200 + grace());
    CHECK(error.kind() == ErrorKind::timeout);
    CHECK(error.outcome() == Outcome::unknown);
    CHECK(bent.proxy.hits(sent) == 1);
    // Others go on meanwhile, and none of them is cancelled.
    for (int i = 0; i < 50; ++i) CHECK(ask(*bent.session, "select 'mine'") == "mine");
    REQUIRE(bent.proxy.wait_for_hits(rule));
    if (cancel == Cancel::late) {
      std::this_thread::sleep_for(800ms);  // beyond the time for recovering
      bent.proxy.release(rule);
    }
    for (int i = 0; i < 50; ++i) CHECK(ask(*bent.session, "select 'mine'") == "mine");
    CHECK(eventually([&] { return running(bent.name) == "0" || bent.proxy.live() <= 1; }, 9s));
    bent.proxy.clear();
    CHECK(test::at_rest(*bent.cluster));
    test::check_clean(*bent.session);
    CHECK(test::taken(writes(*bent.cluster)) <= 2);
  }
}

TEST_CASE("a frozen server holds no call past its deadline, whatever the call does") {
  cluster::ClusterOptions options;
  options.health_interval = Duration::zero();
  options.pool.recover_timeout = 300ms;
  options.breaker = {.failures = 1'000'000, .failure_rate = 0};
  Engine const engine({test::node(primary(), cluster::Role::primary, test::unique("frozen"))},
                      options);
  sql("create table if not exists frozen (a int)");
  auto const impatient = engine.session->with(once(300ms));
  auto const tx = wait(impatient->begin({}));
  ask(*tx, "insert into frozen values (1) returning a");
  auto const committing = wait(impatient->begin({}));
  ask(*committing, "insert into frozen values (2) returning a");
  ask(*impatient, "select 1");
  primary().freeze();
  struct Call {
    char const* what;
    std::function<void()> run;
    ErrorKind kind;
  };
  std::vector<Call> const calls = {
      {"a statement", [&] { ask(*impatient, "select 1"); }, ErrorKind::timeout},
      {"a batch",
       [&] {
         auto const answer = test::run_all(*impatient, {"select 1", "select 2"});
         if (auto const* error = answer.error()) throw Error(*error);
       },
       ErrorKind::timeout},
      {"a script",
       [&] {
         auto const answer = wait(impatient->run_script("select 1; select 2", {}));
         if (auto const* error = answer.error()) throw Error(*error);
       },
       ErrorKind::timeout},
      {"a statement of a transaction", [&] { ask(*tx, "select 1"); }, ErrorKind::timeout},
      {"a commit", [&] { wait(committing->commit()); }, ErrorKind::commit_unknown},
      {"a new transaction", [&] { ask(*wait(impatient->begin({})), "select 1"); },
       ErrorKind::timeout},
  };
  std::vector<std::string> late;
  for (auto const& call : calls) {
    Stopwatch const watch;
    auto const error = failure_of(call.run);
    if (watch.milliseconds() > 300 + grace()) late.emplace_back(call.what);
    if (!error || error->kind() != call.kind) {
      late.emplace_back(std::string(call.what) + ": " + (error ? error->describe() : "no error"));
    }
  }
  Stopwatch const rolling;
  wait(tx->rollback());
  CHECK(rolling.milliseconds() < 2'000 + grace());
  primary().thaw();
  CHECK(late == std::vector<std::string>{});
  CHECK(eventually(
      [&] { return !failure_of([&] { ask(*engine.session, "select 1"); }).has_value(); }));
  CHECK(test::at_rest(*engine.cluster));
  CHECK(sql("select count(*) from frozen where a = 1") == "0");
}

TEST_CASE("an answer that never stops coming holds no call past its deadline, and stops") {
  Engine const engine;
  auto const name = test::unique("flood");
  auto const flood = "select repeat('x', 100), '" + name + "' from generate_series(1, 1000000000)";
  Stopwatch const watch;
  auto const error = error_of([&] { ask(*engine.session->with(once(300ms)), flood); });
  CHECK(watch.milliseconds() < 300 + grace());
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(eventually(
      [&] {
        return sql("select count(*) from pg_stat_activity where state = 'active' and pid <> "
                   "pg_backend_pid() and query like '%" +
                   name + "%'") == "0";
      },
      5s));
  CHECK(test::at_rest(*engine.cluster));
  CHECK(ask(*engine.session, "select 'next'") == "next");
}

TEST_CASE("whatever step a caller is cut off in, the next one finds a clean session") {
  // The steps of one conversation: what the client says, what the server answers.
  struct Step {
    Side side;
    char type;
    char const* text;
  };
  constexpr Step kSteps[] = {
      {Side::frontend, test::kStartup, ""},
      {Side::backend, 'R', ""},
      {Side::backend, 'K', ""},
      {Side::backend, 'Z', "I"},
      {Side::frontend, 'P', "BEGIN"},
      {Side::backend, 'C', "BEGIN"},
      {Side::frontend, 'P', "set_config"},
      {Side::backend, '1', ""},
      {Side::backend, '2', ""},
      {Side::backend, 'D', ""},
      {Side::backend, 'C', "SELECT 1"},
      {Side::backend, 'Z', "T"},
      {Side::frontend, 'P', "COMMIT"},
      {Side::backend, 'C', "COMMIT"},
      {Side::frontend, 'P', "ROLLBACK"},
      {Side::backend, 'C', "ROLLBACK"},
      {Side::frontend, 'P', "DISCARD ALL"},
      {Side::backend, 'C', "DISCARD ALL"},
  };
  for (auto const& step : kSteps) {
    INFO(test::message_name(step.side, step.type) << " " << step.text);
    cluster::ClusterOptions options;
    options.pool.max = 1;
    options.pool.recover_timeout = 1s;
    Bent bent(options);
    auto const rule =
        bent.proxy.add({.side = step.side, .type = step.type, .text = step.text, .act = Act::hold});
    // Leaves the moment the step is reached: the operation is destroyed where it stands.
    auto leave_at_step = [&](auto operation) {
      async::Stepper stepper(std::move(operation));
      auto wakeup = async::Wakeup::ready;
      auto const limit = Deadline::in(5s);
      while (bent.proxy.hits(rule) == 0 && !limit.passed()) {
        if (stepper.step(wakeup)) {
          stepper.take();
          return true;
        }
        auto pause = stepper.wait();
        pause.deadline = pause.deadline.earlier_in(5ms);
        wakeup = async::wait_blocking(pause);
        if (wakeup == async::Wakeup::timed_out && !stepper.wait().deadline.passed()) {
          wakeup = async::Wakeup::ready;
        }
      }
      return false;
    };
    auto const left = failure_of([&] {
      std::shared_ptr<Session> tx;
      auto beginning = bent.session->begin({});
      async::Stepper<std::shared_ptr<Session>> stepper(std::move(beginning));
      auto wakeup = async::Wakeup::ready;
      auto const limit = Deadline::in(5s);
      bool begun = false;
      while (bent.proxy.hits(rule) == 0 && !limit.passed() && !(begun = stepper.step(wakeup))) {
        auto pause = stepper.wait();
        pause.deadline = pause.deadline.earlier_in(5ms);
        async::wait_blocking(pause);
      }
      if (!begun) return;
      tx = stepper.take();
      if (!leave_at_step(tx->run({test::statement("select set_config('work_mem', '1234kB', false), "
                                                  "pg_advisory_lock(99)")},
                                 {})))
        return;
      if (step.text == std::string("ROLLBACK")) {
        leave_at_step(tx->rollback());
        return;
      }
      if (!leave_at_step(tx->commit())) return;
      if (!leave_at_step(bent.session->run({test::statement("set work_mem = '1234kB'")}, {})))
        return;
      leave_at_step(bent.session->run({test::statement("select 1")}, {}));
    });
    CHECK_FALSE(left);
    CHECK(bent.proxy.hits(rule) == 1);
    bent.proxy.release(rule);
    test::check_clean(*bent.session);
    CHECK(test::at_rest(*bent.cluster));
    CHECK(test::taken(writes(*bent.cluster)) == 1);
    CHECK(eventually([&] { return test::sessions(bent.name) == 1; }));
  }
}

TEST_CASE("a hundred calls cut short while cancels are slow: never more sessions than max") {
  cluster::ClusterOptions options;
  options.pool.max = 3;
  options.pool.recover_timeout = 200ms;
  options.pool.acquire_timeout = 50ms;
  options.breaker = {.failures = 1'000'000, .failure_rate = 0};
  Bent bent(options);
  CHECK(eventually([&] { return !failure_of([&] { ask(*bent.session, "select 1"); }); }));
  auto const slow = bent.proxy.add(
      {.type = test::kCancelRequest, .nth = 0, .act = Act::delay, .duration = 300ms});
  std::atomic<bool> stop{false};
  std::atomic<int> most{0};
  std::thread witness([&] {
    while (!stop) {
      most = std::max(most.load(), test::sessions(bent.name));
      std::this_thread::sleep_for(3ms);
    }
  });
  Findings findings;
  std::atomic<int> cut{0};
  side_by_side(4, findings, [&](int) {
    auto const own = bent.session->with(once(60ms));
    for (int i = 0; i < 25; ++i) {
      Stopwatch const watch;
      auto const error = failure_of([&] { ask(*own, "select pg_sleep(2)"); });
      findings.expect(error.has_value(), "slept through");
      findings.expect(watch.milliseconds() < 60 + grace(), "late");
      if (error && error->outcome() == Outcome::unknown) ++cut;
      findings.expect(test::taken(writes(*bent.cluster)) <= 3, "more than max");
    }
  });
  stop = true;
  witness.join();
  CHECK(cut >= 3);
  CHECK(bent.proxy.hits(slow) >= 1);
  CHECK(most <= 3);
  bent.proxy.clear();
  CHECK(test::at_rest(*bent.cluster));
  test::check_clean(*bent.session);
}

TEST_CASE("a storm of cancels is throttled, and the pool is whole afterwards") {
  cluster::ClusterOptions options;
  options.pool.max = 4;
  options.pool.max_waiters = 2'000;
  Bent bent(options);
  for (int i = 0; i < 2; ++i) ask(*bent.session, "select 1");
  auto const cancels = bent.proxy.add({.type = test::kCancelRequest, .nth = 0, .act = Act::pass});
  auto const begun = bent.proxy.add({.type = 'P', .text = "storm", .nth = 0, .act = Act::pass});
  Findings findings;
  Stopwatch const watch;
  side_by_side(8, findings, [&](int) {
    auto const own = bent.session->with(once());
    for (int i = 0; i < 125; ++i) {
      // Begun and left: some while they wait for a connection, some with a statement under way.
      async::Stepper<Answer> stepper(
          own->run({test::statement("select 'storm' from pg_sleep(1)")}, {}));
      stepper.step();
      auto pause = stepper.wait();
      pause.deadline = pause.deadline.earlier_in(1ms);
      async::wait_blocking(pause);
      stepper.step();
      findings.expect(test::taken(writes(*bent.cluster)) <= 4, "more than max");
    }
  });
  auto const seconds = watch.milliseconds() / 1'000;
  CHECK(bent.proxy.hits(begun) >= 1);
  CHECK(bent.proxy.hits(cancels) >= 1);
  // Two a second for each connection, and what was saved up at the start.
  CHECK(bent.proxy.hits(cancels) <= 4 * (seconds + 1) * 2 + 8);
  CHECK(test::at_rest(*bent.cluster));
  test::check_clean(*bent.session);
  CHECK(test::sessions(bent.name) <= 4);
}

}  // namespace
}  // namespace moonpool::session
