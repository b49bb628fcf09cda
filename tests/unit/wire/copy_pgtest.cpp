#include "proxy/proxy.hpp"
#include "support/promptness.hpp"
#include "unit/wire/wire.hpp"
#include "wire/copy.hpp"
#include "wire/copy_text.hpp"

namespace moonpool::wire {
namespace {

using test::Act;
using test::Proxy;
using test::Side;

std::string new_table(std::string const& columns = "id int primary key, t text") {
  auto name = unique("copy");
  sql("create table " + name + " (" + columns + ")");
  return name;
}

std::string count(std::string const& table) { return sql("select count(*) from " + table); }

void start(CopyIn& copy, std::string const& table, Deadline deadline = soon()) {
  wait(copy.start("copy " + table + " from stdin", deadline));
}

void put_rows(CopyIn& copy, int from, int to, Deadline deadline = Deadline::never()) {
  CopyWriter writer(copy.buffer());
  for (int i = from; i <= to; ++i) {
    writer.number(i);
    writer.text("row " + std::to_string(i));
    writer.end_row();
    if (copy.is_full()) wait(copy.put(deadline.is_never() ? soon() : deadline));
  }
}

std::string read_all(CopyOut& copy) {
  std::string all;
  for (;;) {
    auto const chunk = wait(copy.next(soon()));
    if (chunk.empty()) return all;
    all += chunk;
  }
}

bool works(Connection& connection) {
  return connection.usable() && value(connection, "select 'fresh'") == "fresh";
}

TEST_CASE("COPY in stores its rows and gives their number") {
  auto const connection = open();
  auto const table = new_table();
  for (int const rows : {0, 1, 100'000}) {
    CopyIn copy(*connection);
    start(copy, table);
    CHECK_FALSE(connection->usable());
    put_rows(copy, 1, rows);
    CHECK(wait(copy.finish(soon())) == rows);
    CHECK(copy.ended());
    CHECK(count(table) == std::to_string(rows));
    CHECK(works(*connection));
    CHECK_FALSE(connection->session_changed());
    sql("truncate " + table);
  }
}

TEST_CASE("COPY takes one round trip to start, and what rides ahead goes first") {
  auto const connection = open();
  auto const table = new_table();
  auto const before = connection->round_trips();
  CopyIn copy(*connection);
  start(copy, table);
  CHECK(connection->round_trips() - before == 1);
  CHECK(wait(copy.finish(soon())) == 0);

  connection->ride_ahead("set work_mem = '1234kB'");
  CopyOut out(*connection);
  wait(out.start("copy (select current_setting('work_mem')) to stdout", soon()));
  CHECK(read_all(out) == "1234kB\n");

  connection->ride_ahead("select 1/0");
  CopyIn hindered(*connection);
  auto const error = error_of([&] { start(hindered, table); });
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK_FALSE(connection->usable());
}

TEST_CASE("what is no COPY of this direction is refused before it is sent") {
  auto const connection = open();
  auto const before = connection->round_trips();
  for (auto const* text :
       {"select 1", "copy pg_class to stdout", "copy pg_class from '/tmp/x'",
        "copy a from stdin; drop table a", "copy a from stdin; copy b from stdin"}) {
    CopyIn copy(*connection);
    CHECK(error_of([&] { wait(copy.start(text, soon())); }).kind() == ErrorKind::usage);
  }
  CopyOut out(*connection);
  CHECK(error_of([&] { wait(out.start("copy a from stdin", soon())); }).kind() == ErrorKind::usage);
  CHECK(connection->round_trips() == before);
  CHECK(works(*connection));
}

TEST_CASE("a COPY that cannot start leaves the connection as it was") {
  auto const connection = open();
  CopyIn in(*connection);
  auto error = error_of([&] { start(in, "nowhere"); });
  CHECK(error.sqlstate() == "42P01");
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(error.query() == "copy nowhere from stdin");
  CHECK(works(*connection));
  CopyOut out(*connection);
  error = error_of([&] { wait(out.start("copy (select 1/0) to stdout", soon())); });
  CHECK(error.sqlstate() == "22012");
  CHECK(works(*connection));
}

TEST_CASE("a bad row at the end stores nothing and tells its line") {
  auto const connection = open();
  auto const table = new_table();
  CopyIn copy(*connection);
  start(copy, table);
  put_rows(copy, 1, 20'000);
  copy.buffer() += "x\tbad\n";
  auto const error = error_of([&] { wait(copy.finish(soon())); });
  CHECK(error.sqlstate() == "22P02");
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(error.server().context.find("line 20001") != std::string::npos);
  CHECK(works(*connection));
  CHECK(count(table) == "0");
}

TEST_CASE("a bad row at the start is noticed long before the end") {
  auto const connection = open();
  auto const table = new_table();
  CopyIn copy(*connection);
  start(copy, table);
  copy.buffer() += "x\tbad\n";
  put_rows(copy, 1, 10);
  wait(copy.put(soon()));
  int put = 0;
  auto const error = error_of([&] {
    for (; put < 2'000'000; put += 10'000) put_rows(copy, put, put + 10'000);
    wait(copy.finish(soon()));
  });
  CHECK(error.sqlstate() == "22P02");
  CHECK(put < 1'000'000);
  CHECK(copy.ended());
  CHECK(works(*connection));
  CHECK(count(table) == "0");
}

TEST_CASE("notices do not hinder a COPY") {
  auto const connection = open();
  auto const table = new_table();
  sql("create function f_" + table +
      "() returns trigger language plpgsql as $$ begin raise notice 'E% Error', repeat('E', 300); "
      "return new; end $$; create trigger t before insert on " +
      table + " for each row execute function f_" + table + "()");
  CopyIn copy(*connection);
  start(copy, table);
  put_rows(copy, 1, 30'000);
  CHECK(wait(copy.finish(soon())) == 30'000);
  CHECK(works(*connection));
}

TEST_CASE("a COPY that is given up stores nothing, and the server is told why") {
  auto const connection = open();
  auto const table = new_table();
  for (int const rows : {0, 10, 50'000}) {
    CopyIn copy(*connection);
    start(copy, table);
    put_rows(copy, 1, rows);
    CHECK(wait(copy.fail("the producer\0raised", soon())));
    CHECK(copy.ended());
    CHECK(works(*connection));
    CHECK(count(table) == "0");
  }
}

TEST_CASE("a COPY in a transaction is part of it") {
  auto const connection = open();
  auto const table = new_table();
  for (bool const commits : {false, true}) {
    one(*connection, "begin");
    CopyIn copy(*connection);
    start(copy, table);
    put_rows(copy, 1, 1000);
    CHECK(wait(copy.finish(soon())) == 1000);
    CHECK(connection->transaction_state() == TransactionState::open);
    CHECK(value(*connection, "select count(*) from " + table) == "1000");
    CHECK(count(table) == "0");
    one(*connection, commits ? "commit" : "rollback");
    CHECK(count(table) == (commits ? "1000" : "0"));
  }
  one(*connection, "begin");
  CopyIn copy(*connection);
  start(copy, table);
  CHECK(wait(copy.fail("no", soon())));
  CHECK(connection->transaction_state() == TransactionState::failed);
}

TEST_CASE("a server that reads nothing is left at the deadline, with bounded memory") {
  auto const connection = open();
  auto const table = new_table();
  CopyIn copy(*connection);
  start(copy, table);
  primary().freeze_process(connection->backend_pid());
  TimePoint last;
  auto const error = error_of([&] {
    for (int i = 0;; i += 1000) {
      last = Clock::now();
      put_rows(copy, i, i + 1000, Deadline::in(200ms));
      REQUIRE(i < 1'000'000);
    }
  });
  auto const took = std::chrono::duration<double, std::milli>(Clock::now() - last).count();
  CHECK(took < 200 + test::grace());
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK(copy.buffer().size() < 4 * CopyIn::kChunk);
  CHECK_FALSE(connection->usable());
  primary().thaw_process(connection->backend_pid());
  REQUIRE(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
  CHECK(works(*connection));
  CHECK(count(table) == "0");
}

TEST_CASE("a COPY that is left in the middle is drained and stores nothing") {
  auto const connection = open();
  auto const table = new_table();
  for (bool const cancels : {true, false}) {
    {
      CopyIn copy(*connection);
      start(copy, table);
      put_rows(copy, 1, 20'000);
    }
    if (cancels) REQUIRE(wait(connection->cancel(soon())));
    CHECK(wait(connection->drain(Deadline::in(10s))));
    CHECK(works(*connection));
    CHECK(count(table) == "0");
  }
  {
    CopyOut out(*connection);
    wait(out.start("copy (select i, 'copy_left' from generate_series(1, 100000000) i) to stdout",
                   soon()));
    CHECK_FALSE(wait(out.next(soon())).empty());
  }
  REQUIRE(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
  CHECK(works(*connection));
  CHECK(ended("copy_left"));
}

TEST_CASE("an operation that is destroyed while it waits sends nothing twice") {
  auto const connection = open();
  auto const table = new_table();
  CopyIn copy(*connection);
  start(copy, table);
  primary().freeze_process(connection->backend_pid());
  int rows = 0;
  bool waits = false;
  while (!waits) {
    CopyWriter writer(copy.buffer());
    for (int i = 0; i < 5000; ++i) {
      writer.number(++rows);
      writer.text("x");
      writer.end_row();
    }
    async::Stepper<void> stepper(copy.put(soon()));
    waits = !stepper.step();
    if (!waits) stepper.take();
    REQUIRE(rows < 1'000'000);
  }
  primary().thaw_process(connection->backend_pid());
  CHECK(wait(copy.finish(soon())) == rows);
  CHECK(count(table) == std::to_string(rows));
}

TEST_CASE("a connection cut at any point of COPY in stores all rows or none, and says which") {
  Proxy proxy(test::socket_of(primary()));
  struct Cut {
    Side side;
    char type;
    int nth;
    Act act;
    Outcome outcome;
  };
  for (auto const& cut : {
           Cut{Side::frontend, 'Q', 1, Act::cut_before, Outcome::not_sent},
           Cut{Side::backend, 'G', 1, Act::cut_before, Outcome::not_sent},
           Cut{Side::frontend, 'd', 1, Act::cut_before, Outcome::not_sent},
           Cut{Side::frontend, 'd', 5, Act::cut_after, Outcome::not_sent},
           Cut{Side::frontend, 'd', 10, Act::cut_after, Outcome::not_sent},
           Cut{Side::frontend, 'c', 1, Act::cut_before, Outcome::unknown},
           Cut{Side::frontend, 'c', 1, Act::cut_after, Outcome::unknown},
           Cut{Side::backend, 'C', 1, Act::cut_before, Outcome::unknown},
       }) {
    INFO("cut at " << cut.type << " " << cut.nth);
    auto const connection = open(proxy.conninfo());
    auto const table = new_table();
    proxy.add({.side = cut.side, .type = cut.type, .text = "", .nth = cut.nth, .act = cut.act});
    CopyIn copy(*connection);
    auto const error = error_of([&] {
      start(copy, table);
      put_rows(copy, 1, 50'000);
      wait(copy.finish(soon()));
    });
    CHECK(error.poisons_connection());
    // A loss that is noticed late, on the way to CopyDone, may be told as one or the other.
    if (cut.outcome == Outcome::not_sent && cut.nth > 1) {
      CHECK(error.outcome() != Outcome::rejected);
    } else {
      CHECK(error.outcome() == cut.outcome);
    }
    CHECK_FALSE(connection->usable());
    bool const may_store = cut.outcome == Outcome::unknown;
    CHECK(eventually([&] {
      auto const stored = count(table);
      return stored == "0" || (may_store && stored == "50000");
    }));
    proxy.clear();
  }
}

TEST_CASE("a session that the server ends in the middle of COPY in tells its last words") {
  auto const connection = open();
  auto const table = new_table();
  CopyIn copy(*connection);
  start(copy, table);
  put_rows(copy, 1, 100);
  wait(copy.put(soon()));
  sql("select pg_terminate_backend(" + std::to_string(connection->backend_pid()) + ")");
  auto const error = error_of([&] {
    for (int i = 0;; i += 1000) {
      put_rows(copy, 1000 + i, 2000 + i);
      REQUIRE(i < 10'000'000);
    }
  });
  CHECK(error.poisons_connection());
  CHECK(error.outcome() != Outcome::unknown);
  CHECK_FALSE(connection->usable());
  CHECK(count(table) == "0");
}

TEST_CASE("COPY out gives every row, in pieces of whole rows") {
  auto const connection = open();
  CopyOut copy(*connection);
  wait(copy.start("copy (select i, 'row ' || i from generate_series(1, 100000) i) to stdout",
                  soon()));
  std::string expected;
  for (int i = 1; i <= 100'000; ++i) {
    expected += std::to_string(i) + "\trow " + std::to_string(i) + "\n";
  }
  std::string all;
  std::size_t largest = 0;
  for (;;) {
    auto const chunk = wait(copy.next(soon()));
    if (chunk.empty()) break;
    CHECK(chunk.back() == '\n');
    largest = std::max(largest, chunk.size());
    all += chunk;
  }
  CHECK(all == expected);
  CHECK(largest < CopyOut::kChunk + 100);
  CHECK(copy.rows() == 100'000);
  CHECK(copy.ended());
  CHECK(works(*connection));
}

TEST_CASE("COPY out of nothing, and in binary") {
  auto const connection = open();
  CopyOut nothing(*connection);
  wait(nothing.start("copy (select 1 where false) to stdout", soon()));
  CHECK(wait(nothing.next(soon())).empty());
  CHECK(nothing.rows() == 0);
  CHECK(works(*connection));
  CopyOut binary(*connection);
  wait(binary.start("copy (select 1) to stdout (format binary)", soon()));
  CHECK(read_all(binary).substr(0, 6) == "PGCOPY");
  CHECK(works(*connection));
}

TEST_CASE("an error in the middle of COPY out comes after the rows before it") {
  auto const connection = open();
  CopyOut copy(*connection);
  wait(
      copy.start("copy (select 1 / (5000 - i) from generate_series(1, 9000) i) to stdout", soon()));
  std::size_t bytes = 0;
  auto const error = error_of([&] {
    for (;;) bytes += wait(copy.next(soon())).size();
  });
  CHECK(error.sqlstate() == "22012");
  CHECK(bytes == 2 * 4999);
  CHECK(works(*connection));
}

TEST_CASE("a server that freezes in the middle of COPY out is left at the deadline") {
  auto const connection = open();
  CopyOut copy(*connection);
  wait(copy.start("copy (select generate_series(1, 100000000)) to stdout", soon()));
  primary().freeze_process(connection->backend_pid());
  Stopwatch const watch;
  auto const error = error_of([&] {
    for (;;) wait(copy.next(Deadline::in(200ms)));
  });
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(watch.milliseconds() < 2000 + test::grace());
  primary().thaw_process(connection->backend_pid());
  REQUIRE(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
}

TEST_CASE("a connection that breaks in the middle of COPY out ends it with an error") {
  Proxy proxy(test::socket_of(primary()));
  for (auto const type : {'d', 'c', 'C'}) {
    auto const connection = open(proxy.conninfo());
    proxy.add({.side = Side::backend, .type = type, .text = "", .nth = 1, .act = Act::cut_before});
    auto const error = error_of([&] {
      CopyOut copy(*connection);
      wait(copy.start("copy (select generate_series(1, 5000)) to stdout", soon()));
      read_all(copy);
    });
    CHECK(error.kind() == ErrorKind::connection);
    CHECK_FALSE(connection->usable());
    proxy.clear();
  }
}

}  // namespace
}  // namespace moonpool::wire
