// Where connections are scarce, statements that stand alone share one: everybody gets their own answer, whatever
// becomes of the others.
#include "unit/session/share.hpp"

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "support/promptness.hpp"

namespace moonpool::session {
namespace {

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
  options.pool.share_slow = kNeverSlow;
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
    // Long enough to be there still when the end comes.
    Call running(place, kPause, "3");
    Calls behind;
    // More than the budget lets anybody repeat: it is one connection that died, and one pays for it.
    for (int i = 0; i < 14; ++i) behind.emplace_back(place, kNumber, std::to_string(i));
    CHECK(place.stats().riding == 14);
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
  auto first = std::make_unique<Call>(place, kPause, "1");
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
  Call hurried(place, kPause, "1", brief);
  Call patient(place, kPause, "0");
  REQUIRE(drive({&hurried}));
  CHECK(watch.milliseconds() < 60 + test::grace());
  CHECK(hurried.take() == "error timeout unknown");
  REQUIRE(drive({&patient}));
  CHECK(watch.milliseconds() > 950);
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

TEST_CASE("threads share too: everybody has their own answer while callers go and backends die") {
  Place const place(2);
  place.know(kNumber, "0");
  place.know(kPause, "0");
  std::mutex mutex;
  std::string wrong;
  std::atomic<int> right = 0;
  auto const tell = [&](std::string const& what) {
    std::lock_guard const lock(mutex);
    wrong += what + "\n";
  };
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      auto const session = place.session();
      for (int i = 0; i < 120; ++i) {
        auto const number = std::to_string(1 + t * 1000 + static_cast<unsigned>(i));
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
            if (told.value(0, 0) != number) tell("somebody else's answer");
            ++right;
          } catch (Error const& error) {
            tell(error.what());
          }
          continue;
        }
        Calls calls;
        for (int n = 0; n < 5; ++n) {
          calls.emplace_back(session, statement(kNumber, {number + std::to_string(n)}));
        }
        if (!drive(calls)) tell("no answer");
        int n = 0;
        for (auto& call : calls) {
          auto const told = call.take();
          if (told == number + std::to_string(n)) {
            ++right;
          } else {
            tell(told);
          }
          ++n;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == "");
  CHECK(right > 1000);
  CHECK(place.rests());
  CHECK(place.stats().rides > 0);
  // The killed ones may still be on their way out.
  CHECK(eventually([&] { return test::sessions(place.name) <= 2; }));
}

TEST_CASE("a loop that knows descriptors only is told by one when to go on") {
  Place const place(1);
  place.know(kPause, "0");
  Call blocking(place, kPause, "1");
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
