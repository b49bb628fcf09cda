#include "support/promptness.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Engine;
using test::error_of;
using test::sql;
using test::wait;

using Handle = std::shared_ptr<Session>;

Handle begin(Session& session, TransactionOptions options = {}) {
  return wait(session.begin(options));
}

struct Case {
  Engine engine;
  std::string table = test::unique("tx");
  Case() { sql("create table " + table + " (a int unique)"); }
  std::string insert(int value) const {
    return "insert into " + table + " values (" + std::to_string(value) + ")";
  }
  std::string rows() const {
    return sql("select coalesce(string_agg(a::text, ' ' order by a), '') from " + table);
  }
  // The pool is at rest: nothing borrowed, nothing being mended.
  bool rests() const {
    return test::eventually([&] {
      auto const stats = engine.cluster->stats()[0].writes;
      return stats.busy + stats.closing + stats.connecting == 0;
    });
  }
};

TEST_CASE("a transaction is seen by others when it is committed") {
  Case c;
  auto const tx = begin(*c.engine.session);
  CHECK(tx->in_transaction());
  CHECK_FALSE(c.engine.session->in_transaction());
  test::run(*tx, c.insert(1));
  CHECK(ask(*tx, "select count(*) from " + c.table) == "1");
  CHECK(c.rows().empty());
  wait(tx->commit());
  CHECK_FALSE(tx->in_transaction());
  CHECK(c.rows() == "1");
  CHECK(c.rests());
}

TEST_CASE("a transaction that is rolled back never was") {
  Case c;
  auto const tx = begin(*c.engine.session);
  test::run(*tx, c.insert(1));
  wait(tx->rollback());
  CHECK_FALSE(tx->in_transaction());
  wait(tx->rollback());
  CHECK(c.rows().empty());
  CHECK(c.rests());
}

TEST_CASE("a transaction in which nothing was said costs nothing") {
  Case c;
  wait(begin(*c.engine.session)->commit());
  wait(begin(*c.engine.session)->rollback());
  CHECK(c.rests());
}

TEST_CASE("a transaction that nobody ended is rolled back, its connection not used as it is") {
  Case c;
  {
    auto const tx = begin(*c.engine.session);
    test::run(*tx, c.insert(1));
  }
  CHECK(c.rests());
  CHECK(c.rows().empty());
  CHECK(ask(*c.engine.session, "select pg_current_xact_id_if_assigned() is null") == "t");
}

TEST_CASE("isolation, access mode and deferral are the server's") {
  Case c;
  auto show = [&](TransactionOptions options, std::string const& what) {
    auto const tx = begin(*c.engine.session, options);
    auto const value = ask(*tx, "show transaction_" + what);
    wait(tx->rollback());
    return value;
  };
  CHECK(show({}, "isolation") == "read committed");
  CHECK(show({.isolation = Isolation::read_committed}, "isolation") == "read committed");
  CHECK(show({.isolation = Isolation::repeatable_read}, "isolation") == "repeatable read");
  CHECK(show({.isolation = Isolation::serializable}, "isolation") == "serializable");
  CHECK(show({.read_only = true}, "read_only") == "on");
  CHECK(show({}, "read_only") == "off");
  CHECK(show({.isolation = Isolation::serializable, .read_only = true, .deferrable = true},
             "deferrable") == "on");
  auto const tx = begin(*c.engine.session, {.read_only = true});
  CHECK(error_of([&] { test::run(*tx, c.insert(1)); }).sqlstate() == "25006");
}

TEST_CASE("a statement that fails fails the transaction, and COMMIT says that it rolled back") {
  Case c;
  auto const tx = begin(*c.engine.session);
  test::run(*tx, c.insert(1));
  CHECK(error_of([&] { test::run(*tx, c.insert(1)); }).sqlstate() == "23505");
  CHECK(error_of([&] { ask(*tx, "select 1"); }).sqlstate() == "25P02");
  auto const error = error_of([&] { wait(tx->commit()); });
  CHECK(error.kind() == ErrorKind::transaction);
  CHECK(error.phase() == Phase::commit);
  CHECK(error.outcome() == Outcome::rejected);
  CHECK_FALSE(error.in_doubt());
  CHECK_FALSE(tx->in_transaction());
  CHECK(c.rows().empty());
  CHECK(c.rests());
}

TEST_CASE("in a batch inside a transaction the first failure skips the rest") {
  Case c;
  auto const tx = begin(*c.engine.session);
  auto const answer = test::run_all(*tx, {c.insert(1), "selec", c.insert(2)});
  REQUIRE(answer.replies.size() == 3);
  CHECK(answer.error()->sqlstate() == "42601");
  CHECK(std::get<Error>(answer.replies[2]).kind() == ErrorKind::transaction);
  wait(tx->rollback());
}

TEST_CASE("a constraint that fails at COMMIT is the commit's error, and nothing was done") {
  Case c;
  sql("create table " + c.table + "_to (a int primary key); create table " + c.table +
      "_from (a int references " + c.table + "_to deferrable initially deferred)");
  auto const tx = begin(*c.engine.session);
  test::run(*tx, c.insert(1));
  test::run(*tx, "insert into " + c.table + "_from values (5)");
  auto const error = error_of([&] { wait(tx->commit()); });
  CHECK(error.sqlstate() == "23503");
  CHECK(error.phase() == Phase::commit);
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(c.rows().empty());
  CHECK(c.rests());
}

TEST_CASE("two serializable transactions: one is told to come again") {
  Case c;
  test::run(*c.engine.session, c.insert(1));
  TransactionOptions const serializable{.isolation = Isolation::serializable};
  auto const one = begin(*c.engine.session, serializable);
  auto const two = begin(*c.engine.session, serializable);
  auto const read = "select sum(a) from " + c.table;
  ask(*one, read);
  ask(*two, read);
  test::run(*one, c.insert(2));
  test::run(*two, c.insert(3));
  wait(one->commit());
  auto const error = error_of([&] { wait(two->commit()); });
  CHECK(error.sqlstate() == "40001");
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(error.retryable());
  CHECK(c.rows() == "1 2");
}

TEST_CASE("statements inside a transaction are not repeated by themselves") {
  Case c;
  auto const name = test::unique("tx_fails");
  sql("create sequence " + name);
  auto const tx = begin(*c.engine.session);
  auto const error = error_of([&] {
    test::run(*tx, "do $$ begin perform nextval('" + name +
                       "'); raise exception 'x' using errcode = '40001'; end $$");
  });
  CHECK(error.sqlstate() == "40001");
  CHECK(sql("select last_value from " + name) == "1");
}

TEST_CASE("handles that are used wrongly are told so, and nothing reaches the server") {
  Case c;
  auto misuse = [&](auto&& call) {
    auto const error = error_of(call);
    CHECK(error.kind() == ErrorKind::transaction);
    CHECK(error.outcome() == Outcome::not_sent);
  };
  misuse([&] { wait(c.engine.session->commit()); });
  misuse([&] { wait(c.engine.session->rollback()); });
  auto const tx = begin(*c.engine.session);
  test::run(*tx, c.insert(1));
  wait(tx->commit());
  misuse([&] { test::run(*tx, c.insert(2)); });
  misuse([&] { wait(tx->run_script("select 1", {})); });
  misuse([&] { wait(tx->commit()); });
  misuse([&] { begin(*tx); });
  auto const other = begin(*c.engine.session);
  auto const copy = other->with({});
  test::run(*copy, c.insert(3));
  wait(copy->commit());
  misuse([&] { test::run(*other, c.insert(4)); });
  CHECK(c.rows() == "1 3");
}

TEST_CASE("a script inside a transaction is part of it") {
  Case c;
  auto const tx = begin(*c.engine.session);
  auto const answer = wait(tx->run_script(c.insert(1) + "; " + c.insert(2), {}));
  CHECK(answer.replies.size() == 2);
  test::run(*tx, c.insert(3));
  wait(tx->rollback());
  CHECK(c.rows().empty());
}

TEST_CASE("text that ends the transaction is an error, not a surprise") {
  Case c;
  for (auto const* text : {"commit", "rollback", "end", "commit; begin"}) {
    for (bool const script : {false, true}) {
      if (!script && std::string(text).find(';') != std::string::npos) continue;
      auto const tx = begin(*c.engine.session);
      test::run(*tx, "select 1");
      auto const answer = script ? wait(tx->run_script(text, {})) : test::run_all(*tx, {text});
      INFO(text << (script ? " as a script" : ""));
      bool const restarted = std::string(text) == "commit; begin";
      CHECK((answer.error() != nullptr || restarted));
      if (!restarted)
        CHECK(error_of([&] { test::run(*tx, c.insert(9)); }).kind() == ErrorKind::transaction);
      wait(tx->rollback());
    }
  }
  CHECK(c.rows().empty());
  CHECK(c.rests());
  CHECK(ask(*c.engine.session, "select 1") == "1");
}

TEST_CASE("a transaction keeps its own deadline") {
  Case c;
  test::Stopwatch const watch;
  auto const tx = begin(*c.engine.session, {.timeout = 200ms});
  ask(*tx, "select 1");
  auto const error = error_of([&] { ask(*tx, "select pg_sleep(20)"); });
  CHECK(watch.milliseconds() < 200 + test::grace());
  CHECK(error.kind() == ErrorKind::timeout);
  wait(tx->rollback());
  CHECK(c.rests());
  CHECK(ask(*c.engine.session, "select 1") == "1");
}

TEST_CASE("a statement of a transaction that takes too long ends it") {
  Case c;
  auto const tx = begin(*c.engine.session);
  test::run(*tx, c.insert(1));
  auto const error =
      error_of([&] { ask(*tx, "select pg_sleep(20)", RunOptions{.timeout = 80ms}); });
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK_FALSE(error.in_doubt());
  CHECK(error_of([&] { test::run(*tx, c.insert(2)); }).kind() == ErrorKind::transaction);
  CHECK(error_of([&] { wait(tx->commit()); }).outcome() != Outcome::unknown);
  wait(tx->rollback());
  CHECK(c.rests());
  CHECK(c.rows().empty());
}

TEST_CASE("an operation of a transaction destroyed midway ends it, and its answer reaches nobody") {
  Case c;
  auto const tx = begin(*c.engine.session);
  test::run(*tx, c.insert(1));
  {
    async::Stepper<Answer> stepper(
        tx->run({test::statement("select 'old' from pg_sleep(0.1)")}, {}));
    REQUIRE_FALSE(stepper.step());
  }
  CHECK(error_of([&] { ask(*tx, "select 'new'"); }).kind() == ErrorKind::transaction);
  CHECK(error_of([&] { wait(tx->commit()); }).outcome() != Outcome::unknown);
  wait(tx->rollback());
  CHECK(c.rests());
  CHECK(c.rows().empty());
}

}  // namespace
}  // namespace moonpool::session
