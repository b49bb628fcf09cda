// What each kind of work costs in round trips, counted between the client and the server. The proxy waits
// until the client has nothing more to say before it passes answers on, so what was sent without waiting
// for them counts as one.
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Bent;
using test::kAtomic;
using test::kRead;
using test::run_all;
using test::sql;
using test::wait;

struct Counted {
  Bent bent;

  Counted() {
    // Connections are there, and the roles known: what is counted is the work alone.
    ask(*bent.session, "select 1");
    ask(*bent.session, "select 1", kRead);
    bent.proxy.patience(8ms);
  }

  template <class Work>
  int round_trips(Work&& work) {
    bent.proxy.reset_round_trips();
    bent.proxy.clear_log();
    work();
    return bent.proxy.round_trips();
  }
  std::string log() const { return to_string(bent.proxy.log()); }
};

TEST_CASE("a statement takes one round trip: plain, being prepared, prepared, and as a read") {
  Counted c;
  auto& session = *c.bent.session;
  for (int time = 1; time <= 4; ++time) {
    INFO("time " << time);
    CHECK(c.round_trips([&] { CHECK(ask(session, "select 40 + 2") == "42"); }) == 1);
  }
  CHECK(c.log().find("frontend Parse") == std::string::npos);  // by now it goes by its name
  for (int time = 1; time <= 3; ++time) {
    CHECK(c.round_trips([&] { ask(session, "select 'read'", kRead); }) == 1);
  }
  CHECK(c.round_trips([&] { test::run(session, test::statement("select $1::int", {"7"})); }) == 1);
  CHECK(c.round_trips([&] {
    CHECK(test::error_of([&] { ask(session, "select 1 / 0"); }).sqlstate() == "22012");
  }) == 1);
}

TEST_CASE("a batch takes one round trip, atomic or not, whatever becomes of its statements") {
  Counted c;
  auto& session = *c.bent.session;
  std::vector<std::string> batch(100, "select 1");
  for (int time = 1; time <= 3; ++time) {
    CHECK(c.round_trips([&] { CHECK(run_all(session, batch).replies.size() == 100); }) == 1);
    CHECK(c.round_trips([&] { CHECK_FALSE(run_all(session, batch, kAtomic).error()); }) == 1);
  }
  batch[50] = "select 1 / 0";
  CHECK(c.round_trips([&] { CHECK(run_all(session, batch).error()); }) == 1);
  CHECK(c.round_trips([&] { CHECK(run_all(session, batch, kAtomic).error()); }) == 1);
}

TEST_CASE("a transaction of k statements takes k + 1 round trips: BEGIN rides with the first") {
  Counted c;
  for (int statements = 0; statements <= 4; ++statements) {
    INFO(statements << " statements");
    // One in which nothing was said is never begun.
    int const expected = statements == 0 ? 0 : statements + 1;
    for (bool const keep : {true, false}) {
      CHECK(c.round_trips([&] {
        auto const tx = wait(c.bent.session->begin({}));
        for (int i = 0; i < statements; ++i) ask(*tx, "select 1");
        wait(keep ? tx->commit() : tx->rollback());
      }) == expected);
    }
  }
  CHECK(c.round_trips([&] {
    TransactionOptions options;
    options.isolation = Isolation::serializable;
    options.timeout = 5s;
    auto const tx = wait(c.bent.session->begin(options));
    ask(*tx, "select 1");
    wait(tx->commit());
  }) == 2);
}

TEST_CASE("savepoints cost nothing of their own") {
  Counted c;
  CHECK(c.round_trips([&] {
    auto const tx = wait(c.bent.session->begin({}));
    ask(*tx, "select 1");
    for (bool const keep : {true, false}) {
      auto const inner = wait(tx->begin({}));
      ask(*inner, "select 2");
      wait(keep ? inner->commit() : inner->rollback());
    }
    ask(*tx, "select 3");
    wait(tx->commit());
  }) == 5);
  CHECK(c.log().find("ROLLBACK TO SAVEPOINT") != std::string::npos);
}

TEST_CASE("taking and giving back a connection costs nothing, also when it must be reset") {
  Counted c;
  auto& session = *c.bent.session;
  CHECK(c.round_trips([&] { test::run(session, "set work_mem = '1234kB'"); }) == 1);
  CHECK(c.round_trips([&] { CHECK(ask(session, "show work_mem") != "1234kB"); }) == 1);
  CHECK(c.log().find("DISCARD ALL") != std::string::npos);
  CHECK(c.round_trips([&] {
    auto placed = wait(c.bent.cluster->place(cluster::Route::write, test::soon()));
    placed.lease.give_back();
  }) == 0);
}

TEST_CASE("a connection that idled is verified by what rides ahead, at no round trip of its own") {
  cluster::ClusterOptions options;
  options.pool.verify_after = 1ms;
  Bent bent(options);
  ask(*bent.session, "select 1");
  bent.proxy.patience(8ms);
  std::this_thread::sleep_for(20ms);
  bent.proxy.reset_round_trips();
  bent.proxy.clear_log();
  CHECK(ask(*bent.session, "select 'verified'") == "verified");
  CHECK(bent.proxy.round_trips() == 1);
  CHECK(to_string(bent.proxy.log()).find("backend EmptyQueryResponse") != std::string::npos);
}

TEST_CASE("a statement that made room in the cache of prepared ones takes one round trip") {
  cluster::ClusterOptions options;
  options.pool.statement_cache = 2;
  Bent bent(options);
  bent.proxy.patience(8ms);
  ask(*bent.session, "select 0");
  bent.proxy.clear_log();
  for (int text = 1; text <= 4; ++text) {
    for (int time = 1; time <= 3; ++time) {
      bent.proxy.reset_round_trips();
      auto const number = std::to_string(text);
      CHECK(ask(*bent.session, "select " + number) == number);
      CHECK(bent.proxy.round_trips() == 1);
    }
  }
  CHECK(to_string(bent.proxy.log()).find("DEALLOCATE") != std::string::npos);
}

TEST_CASE("a script takes one round trip, however many statements it has") {
  Counted c;
  CHECK(c.round_trips([&] {
    auto const answer =
        wait(c.bent.session->run_script("select 1; select 2; create temp table t (a int)", {}));
    CHECK(answer.replies.size() == 3);
  }) == 1);
}

}  // namespace
}  // namespace moonpool::session
