// What is known of a COMMIT whose answer did not come.
#include "support/promptness.hpp"
#include "support/server/engine.hpp"

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

struct Case {
  Bent bent;
  std::string table = test::unique("commits");
  std::shared_ptr<Session> tx;

  Case() {
    sql("create table " + table + " (a int)");
    tx = wait(bent.session->begin({}));
    test::run(*tx, "insert into " + table + " values (1)");
  }
  std::string rows() const { return sql("select count(*) from " + table); }
  // Once the server has noticed that its client is gone.
  std::string rows_at_rest() const {
    CHECK(test::eventually([&] {
      return sql("select count(*) from pg_stat_activity where application_name = '" + bent.name +
                 "' and xact_start is not null") == "0";
    }));
    return rows();
  }
};

void check_unknown(Error const& error) {
  CHECK(error.kind() == ErrorKind::commit_unknown);
  CHECK(error.phase() == Phase::commit);
  CHECK(error.outcome() == Outcome::unknown);
  CHECK(error.in_doubt());
  CHECK_FALSE(error.retryable());
  CHECK(error.node() == "bent");
}

TEST_CASE("COMMIT arrived, its answer did not") {
  for (auto const type : {'1', '2', 'C', 'Z'}) {
    Case c;
    c.bent.proxy.add({.side = Side::backend, .type = type, .act = Act::cut_before});
    check_unknown(error_of([&] { wait(c.tx->commit()); }));
    CHECK(c.rows_at_rest() == "1");
    CHECK_FALSE(c.tx->in_transaction());
    c.bent.proxy.clear();
    CHECK(ask(*c.bent.session, "select 1") == "1");
  }
}

TEST_CASE("COMMIT did not arrive") {
  Case c;
  c.bent.proxy.add({.type = 'P', .text = "COMMIT", .act = Act::cut_before});
  check_unknown(error_of([&] { wait(c.tx->commit()); }));
  CHECK(c.rows_at_rest() == "0");
}

TEST_CASE("COMMIT takes longer than anybody waits: it is not cancelled") {
  Case c;
  auto const cancels = c.bent.proxy.add({.type = test::kCancelRequest, .nth = 0, .act = Act::pass});
  auto const held = c.bent.proxy.add({.side = Side::backend, .type = 'C', .act = Act::hold});
  auto const impatient = c.bent.session->with([] {
    Habits habits;
    habits.timeout = 100ms;
    return habits;
  }());
  auto const tx = wait(impatient->begin({}));
  c.bent.proxy.release(held);
  test::run(*tx, "insert into " + c.table + " values (2)");
  c.bent.proxy.add({.side = Side::backend, .type = 'C', .act = Act::hold});
  test::Stopwatch const watch;
  check_unknown(error_of([&] { wait(tx->commit()); }));
  CHECK(watch.milliseconds() < 100 + test::grace());
  std::this_thread::sleep_for(50ms);
  CHECK(c.bent.proxy.hits(cancels) == 0);
  CHECK(c.rows() == "1");
  c.bent.proxy.clear();
  wait(c.tx->rollback());
}

TEST_CASE("the session ends while COMMIT is on its way") {
  Case c;
  auto const dying = c.table + "_dying";
  sql("create table " + dying + " (a int); create function " + dying +
      "() returns trigger language plpgsql as $$ begin "
      "perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); return null; end $$; "
      "create constraint trigger die after insert on " +
      dying + " deferrable initially deferred for each row execute function " + dying + "()");
  test::run(*c.tx, "insert into " + dying + " values (2)");
  check_unknown(error_of([&] { wait(c.tx->commit()); }));
  CHECK(c.rows_at_rest() == "0");
}

TEST_CASE("a connection lost before COMMIT rolled everything back, and that is known") {
  Case c;
  c.bent.proxy.add({.side = Side::backend, .type = 'C', .act = Act::cut_before});
  auto const error = error_of([&] { test::run(*c.tx, "insert into " + c.table + " values (2)"); });
  CHECK(error.kind() == ErrorKind::connection);
  CHECK_FALSE(error.in_doubt());
  CHECK(error.outcome() == Outcome::rejected);
  auto const at_commit = error_of([&] { wait(c.tx->commit()); });
  CHECK(at_commit.kind() == ErrorKind::connection);
  CHECK(at_commit.retryable());
  CHECK_FALSE(at_commit.in_doubt());
  CHECK(c.rows_at_rest() == "0");
}

TEST_CASE(
    "a statement that commits by itself is in doubt when its answer is lost, and all with it") {
  Bent bent;
  auto const table = test::unique("commits");
  sql("create table " + table + " (a int)");
  ask(*bent.session, "select 1");
  auto const tx = wait(bent.session->begin({}));
  auto const rule = bent.proxy.add(
      {.side = Side::backend, .type = 'C', .text = "COMMIT", .act = Act::cut_before});
  auto const answer = test::run_all(*tx, {"insert into " + table + " values (1)", "commit"});
  CHECK(bent.proxy.hits(rule) == 1);
  CHECK(sql("select count(*) from " + table) == "1");
  REQUIRE(answer.replies.size() == 2);
  for (auto const& reply : answer.replies) {
    REQUIRE(std::holds_alternative<Error>(reply));
    CHECK(std::get<Error>(reply).in_doubt());
  }
}

TEST_CASE("rolling back over a lost connection never throws") {
  for (auto const act : {Act::cut_before, Act::cut_after}) {
    Case c;
    c.bent.proxy.add({.type = 'P', .text = "ROLLBACK", .act = act});
    wait(c.tx->rollback());
    CHECK(c.rows_at_rest() == "0");
    c.bent.proxy.clear();
    CHECK(ask(*c.bent.session, "select 1") == "1");
  }
}

TEST_CASE("a commit that the server made without its standbys is told as done, and logged") {
  Case c;
  auto const notice = std::string("N") + [] {
    std::string body;
    for (auto const& [code, text] :
         {std::pair{'S', "WARNING"},
          {'V', "WARNING"},
          {'C', "01000"},
          {'M', "canceling wait for synchronous replication due to user request"},
          {'D', "The transaction has already committed locally"},
          {'R', "SyncRepWaitForLSN"}}) {
      body.append(1, code).append(text).append(1, '\0');
    }
    body += '\0';
    auto const size = static_cast<std::uint32_t>(body.size() + 4);
    std::string head;
    for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(size >> shift);
    return head + body;
  }();
  c.bent.proxy.add({.side = Side::backend,
                    .type = 'C',
                    .text = "COMMIT",
                    .act = Act::put_before,
                    .payload = notice});
  wait(c.tx->commit());
  CHECK(c.rows() == "1");
}

}  // namespace
}  // namespace moonpool::session
