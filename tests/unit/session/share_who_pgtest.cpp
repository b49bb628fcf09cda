// Who may use a connection together with others, and who gets one alone.
#include "unit/session/share.hpp"

#include <thread>

namespace moonpool::session {
namespace {

TEST_CASE("a statement known to be slow takes nobody in, nor one that was never seen") {
  Place const place(1, {}, 60ms);
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
  Place const place(1, {}, 1s);
  place.know(kPause, "0");
  place.know(kNumber, "0");
  Call first(place, kPause, "1.5");
  Call with(place, kNumber, "2");
  CHECK(place.stats().riding == 1);
  std::this_thread::sleep_for(1100ms);
  Call late(place, kNumber, "3");
  CHECK(place.stats().riding == 1);
  CHECK(place.stats().waiting == 1);
  REQUIRE(drive({&first, &with, &late}));
  CHECK(with.take() == "2");
  CHECK(late.take() == "3");
}

TEST_CASE("who needs a connection alone gets the next one, before those who came later") {
  Place const place(1);
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
  place.open_all();
  Calls calls;
  for (int i = 0; i < 6; ++i) calls.emplace_back(place, kPause, "0.05");
  CHECK(place.stats().busy == 2);
  CHECK(place.stats().riding == 4);
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

}  // namespace
}  // namespace moonpool::session
