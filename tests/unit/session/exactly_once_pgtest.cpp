// What exactly_once says of a lost COMMIT is so.
#include "session/exactly_once.hpp"

#include "session/copy.hpp"
#include "support/promptness.hpp"
#include "unit/session/lost_commits.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Act;
using test::ask;
using test::Bent;
using test::error_of;
using test::Side;
using test::sql;
using test::wait;

TransactionOptions once() {
  TransactionOptions options;
  options.exactly_once = true;
  return options;
}

struct Table {
  std::string name = test::unique("once");
  Table() { sql("create table " + name + " (a int)"); }
  std::string insert(int value) const {
    return "insert into " + name + " values (" + std::to_string(value) + ")";
  }
  std::string rows() const { return sql("select count(*) from " + name); }
};

TEST_CASE("a hundred lost COMMITs, each told as it was") {
  auto const seed = std::random_device{}();
  INFO("seed " << seed);
  test_support::LostCommits lost(seed);
  for (int op = 0; op < 100; ++op) lost.lose_one(op);
  auto const verdict = lost.audit();
  CHECK(verdict.wrong == 0);
  CHECK(verdict.committed == 100);
  CHECK(verdict.runs > 110);
  CHECK(verdict.faults >= 100);
}

TEST_CASE("the token rides along: no round trip of its own") {
  Bent bent;
  Table table;
  wait(bent.session->begin(once()));
  {
    auto const first = wait(bent.session->begin(once()));
    test::run(*first, table.insert(1));
    wait(first->commit());
  }
  bent.proxy.patience(20ms);
  std::shared_ptr<Session> tx;
  // One commit in some hundred sweeps old tokens away, which is a call of its own: that one is not counted.
  do {
    bent.proxy.reset_round_trips();
    bent.proxy.clear_log();
    tx = wait(bent.session->begin(once()));
    test::run(*tx, table.insert(2));
    wait(tx->commit());
  } while (to_string(bent.proxy.log()).find("DELETE FROM moonpool.commits") != std::string::npos);
  CHECK(bent.proxy.round_trips() == 2);
  CHECK(sql("select count(*) from moonpool.commits where token = '" + tx->token() + "'") == "1");
}

TEST_CASE("the table is made when the first transaction wants it, whatever that begins with") {
  Bent bent;
  Table table;
  for (int how = 0; how < 3; ++how) {
    sql("drop schema if exists moonpool cascade");
    auto const tx = wait(bent.session->begin(once()));
    if (how == 0) {
      auto const inner = wait(tx->begin({}));
      test::run(*inner, table.insert(how));
      wait(inner->commit());
    } else if (how == 1) {
      wait(tx->run_script(table.insert(how) + "; select 1", {}));
    } else {
      auto const copy = wait(tx->copy_in("copy " + table.name + " from stdin", {}));
      copy->rows().number(2);
      copy->rows().end_row();
      CHECK(wait(copy->finish()) == 1);
    }
    CHECK(ask(*tx, "select count(*) from " + table.name) == std::to_string(how + 1));
    wait(tx->commit());
    CHECK(table.rows() == std::to_string(how + 1));
    CHECK(sql("select count(*) from moonpool.commits where not fenced") == "1");
  }
}

TEST_CASE("two that come first together both get their table") {
  sql("drop schema if exists moonpool cascade");
  test::Engine engine;
  Table table;
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      try {
        auto const session = Session::make(engine.cluster, {});
        auto const tx = wait(session->begin(once()));
        test::run(*tx, table.insert(i));
        wait(tx->commit());
      } catch (Error const&) {
        ++failed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(table.rows() == "6");
}

TEST_CASE("a fence waits for the transaction, and keeps what it found out") {
  test::Engine engine;
  Table table;
  for (bool const commits : {true, false}) {
    auto const tx = wait(engine.session->begin(once()));
    test::run(*tx, table.insert(1));
    auto const token = tx->token();
    std::atomic<bool> told{false};
    bool verdict = false;
    std::thread prover([&] {
      verdict = wait(prove_committed(Session::make(engine.cluster, {}), token, 10s));
      told = true;
    });
    CHECK(test::eventually([&] {
      return sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ~ "
                 "'moonpool.commits'") == "1";
    }));
    CHECK_FALSE(told);
    wait(commits ? tx->commit() : tx->rollback());
    prover.join();
    CHECK(verdict == commits);
    for (int i = 0; i < 2; ++i) CHECK(wait(prove_committed(engine.session, token, 10s)) == commits);
    if (commits) continue;
    CHECK(error_of([&] { ask(*engine.session, taking(token)); }).sqlstate() == "23505");
  }
}

TEST_CASE("a proof that cannot be had in time, or ever, throws") {
  test::Engine engine;
  Table table;
  auto const tx = wait(engine.session->begin(once()));
  test::run(*tx, table.insert(1));
  test::Stopwatch const watch;
  CHECK_THROWS_AS(wait(prove_committed(engine.session, tx->token(), 200ms)), Error);
  CHECK(watch.milliseconds() < 200 + test::grace());
  wait(tx->rollback());

  sql("drop role if exists once_nobody; create role once_nobody login; "
      "revoke all on moonpool.commits from public");
  test::Engine nobody({[] {
    auto options = test::node(test::primary(), cluster::Role::primary, "nobody");
    options.info.set("user", "once_nobody");
    return options;
  }()});
  auto const refused = error_of([&] {
    auto const mine = wait(nobody.session->begin(once()));
    ask(*mine, "select 1");
  });
  CHECK(refused.sqlstate() == "42501");
  CHECK_THAT(refused.hint(), test::contains("GRANT") || test::contains("grant"));
  test::Stopwatch const quick;
  CHECK(error_of([&] { wait(prove_committed(nobody.session, new_token(), 10s)); }).sqlstate() ==
        "42501");
  CHECK(quick.milliseconds() < 1'000 + test::grace());
}

TEST_CASE("a role laid on needs no right to the tokens") {
  test::Engine engine;
  Table table;
  sql("drop role if exists once_tenant; create role once_tenant; grant insert on " + table.name +
      " to once_tenant");
  Habits habits;
  habits.context.set("role", "once_tenant");
  auto const tx = wait(engine.session->with(habits)->begin(once()));
  test::run(*tx, table.insert(1));
  CHECK(ask(*tx, "select current_user") == "once_tenant");
  wait(tx->commit());
  CHECK(table.rows() == "1");
  CHECK(sql("select count(*) from moonpool.commits where token = '" + tx->token() + "'") == "1");
  sql("drop owned by once_tenant; drop role once_tenant");
}

TEST_CASE("old tokens are removed, young ones are not") {
  test::Engine engine;
  auto const young = new_token();
  auto const old = new_token();
  test::run_all(*engine.session, {taking(young), taking(old)});
  sql("update moonpool.commits set made = made - interval '8 days' where token = '" + old + "'");
  CHECK(wait(sweep(engine.session)) == 1);
  CHECK(sql("select count(*) from moonpool.commits where token = '" + young + "'") == "1");
  CHECK(sql("select count(*) from moonpool.commits where token = '" + old + "'") == "0");
}

TEST_CASE("without it a lost answer stays unknown, and nested or read-only it is refused") {
  Bent bent;
  auto nested = error_of([&] {
    auto const tx = wait(bent.session->begin({}));
    wait(tx->begin(once()));
  });
  CHECK(nested.kind() == ErrorKind::usage);
  auto reading = once();
  reading.read_only = true;
  CHECK(error_of([&] { wait(bent.session->begin(reading)); }).kind() == ErrorKind::usage);
}

TEST_CASE("test_rerun: the first COMMIT of what can be run again is a rollback") {
  Habits habits;
  habits.test_rerun = true;
  test::Engine engine({}, habits);
  Table table;
  for (int attempt : {0, 1, 2}) {
    TransactionOptions options;
    options.attempt = attempt;
    auto const tx = wait(engine.session->begin(options));
    test::run(*tx, table.insert(attempt));
    if (attempt != 1) {
      wait(tx->commit());
      continue;
    }
    auto const error = error_of([&] { wait(tx->commit()); });
    CHECK(error.name() == "serialization_failure");
    CHECK(error.retryable());
    CHECK(error.outcome() == Outcome::rejected);
    CHECK_FALSE(tx->in_transaction());
  }
  CHECK(sql("select string_agg(a::text, ',' order by a) from " + table.name) == "0,2");
}

}  // namespace
}  // namespace moonpool::session
