#include "session/copy.hpp"

#include "session/session.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Engine;
using test::error_of;
using test::eventually;
using test::sql;
using test::wait;

std::string new_table() {
  auto const table = test::unique("copied");
  sql("create table " + table + " (a int, t text)");
  return table;
}
std::string count(std::string const& table) { return sql("select count(*) from " + table); }

std::shared_ptr<CopyIn> into(Session& session, std::string const& table, RunOptions options = {}) {
  return wait(session.copy_in("copy " + table + " from stdin", options));
}

void put_rows(CopyIn& copy, int from, int to) {
  for (int i = from; i <= to; ++i) {
    copy.rows().number(i);
    copy.rows().text("row " + std::to_string(i));
    copy.rows().end_row();
    if (copy.is_full()) wait(copy.put());
  }
}

std::size_t busy(Engine const& engine) {
  auto const stats = engine.cluster->stats()[0].writes;
  return stats.busy + stats.closing;
}

TEST_CASE("COPY in and out give back what they used") {
  Engine const engine;
  auto const table = new_table();
  auto const copy = into(*engine.session, table);
  CHECK(copy->node() == "primary");
  put_rows(*copy, 1, 20'000);
  CHECK(count(table) == "0");
  CHECK(wait(copy->finish()) == 20'000);
  CHECK(count(table) == "20000");
  CHECK(busy(engine) == 0);
  CHECK(error_of([&] { wait(copy->put()); }).kind() == ErrorKind::usage);

  auto const out = wait(engine.session->copy_out("copy " + table + " to stdout", {}));
  std::size_t lines = 0;
  for (;;) {
    auto const piece = wait(out->next());
    if (piece.empty()) break;
    lines += static_cast<std::size_t>(std::ranges::count(piece, '\n'));
  }
  CHECK(lines == 20'000);
  CHECK(out->rows() == 20'000);
  CHECK(wait(out->next()).empty());
  CHECK(busy(engine) == 0);
  CHECK(engine.cluster->stats()[0].writes.opened == 1);
}

TEST_CASE("an error stores nothing and names the row") {
  Engine const engine;
  auto const table = new_table();
  auto const copy = into(*engine.session, table);
  put_rows(*copy, 1, 1000);
  copy->buffer() += "secret\tbad\n";
  auto const error = error_of([&] { wait(copy->finish()); });
  CHECK(error.sqlstate() == "22P02");
  CHECK(error.message().find("line 1001, column a") != std::string::npos);
  CHECK(error.node() == "primary");
  CHECK(count(table) == "0");
  CHECK(busy(engine) == 0);
  CHECK(error_of([&] { into(*engine.session, "nowhere"); }).sqlstate() == "42P01");
  CHECK(error_of([&] { wait(engine.session->copy_in("select 1", {})); }).kind() ==
        ErrorKind::usage);
  CHECK(busy(engine) == 0);
}

TEST_CASE("a COPY that is given up or dropped stores nothing") {
  Engine const engine;
  auto const table = new_table();
  {
    auto const copy = into(*engine.session, table);
    put_rows(*copy, 1, 30'000);
    wait(copy->fail("no more"));
    CHECK(copy->ended());
    CHECK(busy(engine) == 0);
    wait(copy->fail("again"));
  }
  { put_rows(*into(*engine.session, table), 1, 30'000); }
  {
    auto const out =
        wait(engine.session->copy_out("copy (select generate_series(1, 100000000)) to stdout", {}));
    CHECK_FALSE(wait(out->next()).empty());
  }
  CHECK(eventually([&] { return busy(engine) == 0; }));
  CHECK(count(table) == "0");
  CHECK(ask(*engine.session, "select 'fresh'") == "fresh");
}

TEST_CASE("inside a transaction COPY is part of it, and nothing else runs meanwhile") {
  Engine const engine;
  auto const table = new_table();
  for (bool const keep : {true, false}) {
    auto const tx = wait(engine.session->begin({}));
    auto const copy = into(*tx, table);
    put_rows(*copy, 1, 100);
    auto const refused = error_of([&] { ask(*tx, "select 1"); });
    CHECK(refused.kind() == ErrorKind::transaction);
    CHECK(wait(copy->finish()) == 100);
    CHECK(ask(*tx, "select count(*) from " + table) == "100");
    CHECK(count(table) == "0");
    wait(keep ? tx->commit() : tx->rollback());
    CHECK(count(table) == (keep ? "100" : "0"));
    sql("truncate " + table);
  }
}

TEST_CASE("a transaction goes on after a COPY out that was left early") {
  Engine const engine;
  auto const table = new_table();
  auto const tx = wait(engine.session->begin({}));
  test::run(*tx, "insert into " + table + " values (1, 'kept')");
  {
    auto const out =
        wait(tx->copy_out("copy (select generate_series(1, 100000000)) to stdout", {}));
    CHECK_FALSE(wait(out->next()).empty());
  }
  CHECK(ask(*tx, "select count(*) from " + table) == "1");
  {
    auto const inner = wait(tx->begin({}));
    auto const out =
        wait(inner->copy_out("copy (select generate_series(1, 100000000)) to stdout", {}));
    wait(out->next());
    wait(inner->rollback());
  }
  auto const whole = wait(tx->copy_out("copy (select 1) to stdout", {}));
  CHECK(wait(whole->next()) == "1\n");
  CHECK(wait(whole->next()).empty());
  test::run(*tx, "insert into " + table + " values (2, 'kept')");
  wait(tx->commit());
  CHECK(count(table) == "2");
  CHECK(eventually([&] { return busy(engine) == 0; }));
}

TEST_CASE("the end of a transaction ends its COPY") {
  Engine const engine;
  auto const table = new_table();
  for (bool const commits : {true, false}) {
    auto const tx = wait(engine.session->begin({}));
    auto const copy = into(*tx, table);
    put_rows(*copy, 1, 10);
    if (commits) {
      CHECK(error_of([&] { wait(tx->commit()); }).kind() == ErrorKind::transaction);
    } else {
      wait(tx->rollback());
    }
    CHECK(error_of([&] { wait(copy->put()); }).kind() == ErrorKind::transaction);
    wait(copy->fail("too late"));
  }
  CHECK(eventually([&] { return busy(engine) == 0; }));
  CHECK(count(table) == "0");
}

TEST_CASE("a server that takes no data is left at the deadline, and nothing is stored") {
  Engine const engine;
  auto const table = new_table();
  RunOptions options;
  options.timeout = 3s;
  auto const copy = into(*engine.session, table, options);
  auto const pid =
      std::stoi(sql("select pid from pg_stat_activity where query like 'copy " + table + "%'"));
  test::primary().freeze_process(pid);
  auto const error = error_of([&] { put_rows(*copy, 1, 10'000'000); });
  test::primary().thaw_process(pid);
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK(copy->ended());
  CHECK(eventually([&] { return busy(engine) == 0; }));
  CHECK(count(table) == "0");
}

TEST_CASE("a COPY that outlives the drain is cut, and nothing is stored") {
  auto engine = std::make_unique<Engine>();
  auto const table = new_table();
  auto const copy = into(*engine->session, table);
  put_rows(*copy, 1, 30'000);
  auto const session = engine->session;
  auto const cluster = engine->cluster;
  engine.reset();
  wait(cluster->close(Deadline::in(50ms)));
  CHECK(error_of([&] {
          put_rows(*copy, 1, 1000);
          wait(copy->finish());
        }).kind() == ErrorKind::connection);
  CHECK(copy->ended());
  CHECK(error_of([&] { into(*session, table); }).kind() == ErrorKind::cluster_closed);
  CHECK(count(table) == "0");
}

TEST_CASE("a pinned session streams and copies on its own connection") {
  Engine const engine;
  Habits habits;
  habits.pinned = true;
  auto const pinned = Session::make(engine.cluster, habits);
  test::run(*pinned, "create temp table mine (a int, t text)");
  auto const copy = into(*pinned, "mine");
  put_rows(*copy, 1, 10);
  CHECK(wait(copy->finish()) == 10);
  CHECK(ask(*pinned, "select count(*) from mine") == "10");
}

}  // namespace
}  // namespace moonpool::session
