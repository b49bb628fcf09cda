#include <vector>

#include "support/promptness.hpp"
#include "unit/pool/ground.hpp"

namespace moonpool::pool {
namespace {

// Starts a statement on the lease and leaves it running on the server.
void leave_midway(Lease& lease, std::string const& text) {
  async::Stepper<std::vector<wire::Reply>> stepper(lease->run({statement(text)}, soon()));
  REQUIRE_FALSE(stepper.step());
  REQUIRE(eventually([&] {
    return sql("select count(*) from pg_stat_activity where state = 'active' and pid = " +
               std::to_string(lease->backend_pid())) == "1";
  }));
}

std::string active(Ground const& ground) {
  return sql(
      "select count(*) from pg_stat_activity where state = 'active' and application_name = '" +
      ground.name + "'");
}

TEST_CASE("a connection left mid-flight is cancelled, brought back in step, and used again") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  auto const pid = lease->backend_pid();
  leave_midway(lease, "select pg_sleep(30)");
  Stopwatch const watch;
  lease.give_back();
  CHECK(ground.pool->stats().closing == 1);
  auto next = ground.take();
  CHECK(watch.milliseconds() < 1'500 + test::grace());
  CHECK(next->backend_pid() == pid);
  CHECK(ask(next, "select 'mine'") == "mine");
  CHECK(active(ground) == "0");
}

TEST_CASE("a statement past its deadline is cancelled on the server") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  auto const replies = wait(lease->run({statement("select pg_sleep(30)")}, Deadline::in(60ms)));
  CHECK(std::get<Error>(replies.front()).kind() == ErrorKind::timeout);
  lease.give_back();
  CHECK(eventually([&] { return active(ground) == "0"; }, 10s));
  CHECK(ground.rests(1));
}

TEST_CASE("a script past its deadline is cancelled on the server") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  wait(lease->run_script("select pg_sleep(30); select 1", Deadline::in(60ms)));
  lease.give_back();
  CHECK(eventually([&] { return active(ground) == "0"; }, 10s));
  auto next = ground.take();
  CHECK(ask(next, "select 'mine'") == "mine");
}

TEST_CASE("what ran unread behind the cancelled statement does not reach the next user") {
  Ground ground({.max = 1});
  {
    auto lease = ground.take();
    wire::Request request;
    for (auto const* text :
         {"select pg_sleep(30)", "set work_mem = '1234kB'", "set role pg_monitor", "begin",
          "create temp table left_behind (a int)"}) {
      request.push_back(statement(text));
    }
    wait(lease->run(std::move(request), Deadline::in(60ms)));
  }
  auto lease = ground.take();
  CHECK(lease->transaction_state() == wire::TransactionState::idle);
  CHECK(ask(lease, "show work_mem") != "1234kB");
  CHECK(ask(lease, "select current_user") == "postgres");
  CHECK(ask(lease, "select to_regclass('left_behind') is null") == "t");
}

TEST_CASE("statements prepared unread are not taken for prepared") {
  Ground ground({.max = 1});
  {
    auto lease = ground.take();
    wait(lease->run({statement("select 'known'")}, soon()));
    wire::Request request = {statement("select pg_sleep(30)"), statement("select 'known'")};
    request.front().ends_segment = false;
    wait(lease->run(std::move(request), Deadline::in(60ms)));
  }
  auto lease = ground.take();
  for (int i = 0; i < 3; ++i) CHECK(ask(lease, "select 'known'") == "known");
}

TEST_CASE("the place of a connection that is being recovered stays taken") {
  Ground ground({.max = 2, .recover_timeout = 2s});
  auto first = ground.take();
  auto second = ground.take();
  leave_midway(first, "select pg_sleep(30)");
  leave_midway(second, "select pg_sleep(30)");
  first.give_back();
  second.give_back();
  Caller caller(ground);
  for (int i = 0; i < 50 && !caller.step(); ++i) {
    auto const stats = ground.pool->stats();
    CHECK(stats.idle + stats.busy + stats.connecting + stats.closing <= 2);
    CHECK(ground.sessions() <= 2);
  }
  caller.finish();
  CHECK(caller.lease);
}

TEST_CASE(
    "a place is free only when the cancel has come through and the server's session is over") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 1, .recover_timeout = 200ms}, proxy.conninfo());
  auto lease = ground.take();
  leave_midway(lease, "select pg_sleep(2)");
  auto const rule = proxy.add({.type = test::kCancelRequest, .act = Act::hold});
  lease.give_back();
  REQUIRE(proxy.wait_for_hits(rule));
  Caller caller(ground);
  int most = 0;
  Stopwatch const watch;
  while (!caller.step()) {
    if (watch.milliseconds() > 500) proxy.clear();
    most = std::max(most, ground.sessions());
    std::this_thread::sleep_for(2ms);
  }
  REQUIRE(caller.lease);
  CHECK(std::max(most, ground.sessions()) == 1);
}

TEST_CASE("a cancel that never gets through holds a place only for a while") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 1, .recover_timeout = 200ms}, proxy.conninfo());
  auto lease = ground.take();
  leave_midway(lease, "select pg_sleep(1)");
  proxy.add({.type = test::kCancelRequest, .nth = 0, .act = Act::swallow});
  lease.give_back();
  Caller caller(ground, Deadline::in(5s));
  caller.finish();
  REQUIRE(caller.lease);
  CHECK(ask(*caller.lease, "select 1") == "1");
  proxy.cut_all();
}

TEST_CASE("a cancel that is still on its way never meets the next user's statement") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 1, .recover_timeout = 400ms}, proxy.conninfo());
  auto lease = ground.take();
  leave_midway(lease, "select pg_sleep(0.2)");
  auto const rule = proxy.add({.type = test::kCancelRequest, .act = Act::hold});
  lease.give_back();
  REQUIRE(proxy.wait_for_hits(rule));
  Caller caller(ground);
  caller.finish();
  REQUIRE(caller.lease);
  async::Stepper<std::vector<wire::Reply>> stepper(
      (*caller.lease)->run({statement("select 'mine' from pg_sleep(0.3)")}, soon()));
  REQUIRE_FALSE(stepper.step());
  proxy.clear();  // now the cancel arrives
  while (!stepper.step(async::wait_blocking(stepper.wait()))) {
  }
  auto const replies = stepper.take();
  auto const* error = std::get_if<Error>(&replies.front());
  CHECK((error == nullptr ? "" : error->sqlstate()) == "");
}

TEST_CASE("a COMMIT in flight is not cancelled") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 1}, proxy.conninfo());
  auto const cancels = proxy.add({.type = test::kCancelRequest, .nth = 0, .act = Act::pass});
  auto lease = ground.take();
  leave_midway(lease, "select pg_sleep(0.5)");
  lease.forbid_cancel();
  lease.give_back();
  CHECK(ground.rests(0));
  CHECK(proxy.hits(cancels) == 0);
}

TEST_CASE("a reset that fails or hangs costs the connection, and nobody notices") {
  Proxy proxy(test::socket_of(primary()));
  for (auto const act : {Act::cut_before, Act::cut_after, Act::blackhole}) {
    Ground ground({.max = 1, .recover_timeout = 200ms}, proxy.conninfo());
    {
      auto lease = ground.take();
      ask(lease, "begin");
      proxy.add({.type = 'P', .text = "ROLLBACK", .act = act});
    }
    CHECK(ground.rests(0));
    proxy.clear();
    auto lease = ground.take();
    CHECK(ask(lease, "select 1") == "1");
    CHECK(lease->transaction_state() == wire::TransactionState::idle);
    proxy.cut_all();
  }
}

TEST_CASE("a rollback that the server refuses costs the connection") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 1}, proxy.conninfo());
  {
    auto lease = ground.take();
    ask(lease, "begin");
    // The answer to ROLLBACK says that the transaction is still open.
    proxy.add({.side = Side::backend,
               .type = 'Z',
               .act = Act::replace,
               .payload = std::string("Z\0\0\0\x05T", 6)});
  }
  CHECK(ground.rests(0));
}

}  // namespace
}  // namespace moonpool::pool
