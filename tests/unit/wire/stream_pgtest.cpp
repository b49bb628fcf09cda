#include <fstream>
#include <optional>

#include "proxy/proxy.hpp"
#include "support/promptness.hpp"
#include "support/sanitized.hpp"
#include "unit/wire/wire.hpp"
#include "wire/stream.hpp"

namespace moonpool::wire {
namespace {

using test::Act;
using test::Proxy;
using test::Side;

Request reading(std::string text, std::vector<std::string> params = {}) {
  return {statement(std::move(text), std::move(params))};
}

void start(Stream& stream, Request request, Deadline deadline = soon()) {
  wait(stream.start(std::move(request), deadline));
}

Result next(Stream& stream, std::size_t most = 0, Deadline deadline = soon()) {
  return wait(stream.next(most, deadline));
}

// Rows up to the end, and the sum of their first column.
struct Total {
  long rows = 0;
  long long sum = 0;
  std::size_t largest = 0;
  std::string tag;
};
Total read_all(Stream& stream, std::size_t most = 0) {
  Total total;
  for (;;) {
    auto const batch = next(stream, most);
    if (batch.rows() == 0) {
      total.tag = batch.tag();
      return total;
    }
    total.rows += static_cast<long>(batch.rows());
    total.largest = std::max(total.largest, batch.rows());
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      total.sum += std::stoll(std::string(*batch.value(row, 0)));
    }
  }
}

// Resident memory of this process, in KiB.
long resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stol(line.substr(6));
  }
  return 0;
}

TEST_CASE("a stream gives every row once, whatever the number, and ends with the tag") {
  auto const connection = open();
  for (long const n : {0L, 1L, 2L, 255L, 256L, 257L, 5000L}) {
    for (std::size_t const most : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
      Stream stream(*connection);
      start(stream, reading("select i from generate_series(1, $1::int) i", {std::to_string(n)}));
      auto const total = read_all(stream, most);
      CHECK(total.rows == n);
      CHECK(total.sum == static_cast<long long>(n) * (n + 1) / 2);
      CHECK(total.tag == "SELECT " + std::to_string(n));
      CHECK(total.largest <= (most == 0 ? Stream::kRows : most));
      CHECK(stream.ended());
      CHECK(connection->usable());
    }
  }
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("a batch reads like any result: names, types, NULL, empty and long values") {
  auto const connection = open();
  Stream stream(*connection);
  start(stream,
        reading("select i as n, case i when 2 then null when 3 then '' else repeat(i::text, 5000) "
                "end as t from generate_series(1, 4) i"));
  std::vector<std::optional<std::string>> texts;
  for (;;) {
    auto const batch = next(stream);
    CHECK(batch.columns() == 2);
    CHECK(std::string(batch.column_name(1)) == "t");
    CHECK(batch.column_type(0) == 23);
    if (batch.rows() == 0) break;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      auto const field = batch.value(row, 1);
      texts.push_back(field ? std::optional(std::string(*field)) : std::nullopt);
    }
  }
  REQUIRE(texts.size() == 4);
  CHECK(texts[0]->size() == 5000);
  CHECK_FALSE(texts[1].has_value());
  CHECK(texts[2]->empty());
  CHECK(texts[3]->front() == '4');
}

TEST_CASE("rows without columns, and statements without rows") {
  auto const connection = open();
  Stream bare(*connection);
  start(bare, reading("select from generate_series(1, 5)"));
  long rows = 0;
  for (;;) {
    auto const batch = next(bare);
    if (batch.rows() == 0) break;
    rows += static_cast<long>(batch.rows());
  }
  CHECK(rows == 5);

  auto const table = unique("stream");
  sql("create table " + table + " (a int)");
  Stream writing(*connection);
  start(writing, reading("insert into " + table + " select generate_series(1, 3)"));
  auto const answer = next(writing);
  CHECK(answer.rows() == 0);
  CHECK(answer.affected() == 3);
  Stream returning(*connection);
  start(returning, reading("insert into " + table + " values (4), (5) returning a"));
  CHECK(read_all(returning).sum == 9);
  CHECK(sql("select count(*) from " + table) == "5");
}

TEST_CASE("what is wrong with the statement is told at once, and the connection stays") {
  auto const connection = open();
  Stream stream(*connection);
  auto const error = error_of([&] { start(stream, reading("select nowhere")); });
  CHECK(error.sqlstate() == "42703");
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(error.query() == "select nowhere");
  CHECK(connection->usable());
  Stream other(*connection);
  CHECK(error_of([&] { start(other, reading("copy (select 1) to stdout")); }).kind() ==
        ErrorKind::usage);
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("an error in mid-stream comes after the rows before it") {
  auto const connection = open();
  Stream stream(*connection);
  start(stream, reading("select 1 / (3000 - i) from generate_series(1, 4000) i"));
  long rows = 0;
  auto const error = error_of([&] {
    for (;;) rows += static_cast<long>(next(stream).rows());
  });
  CHECK(rows == 2999);
  CHECK(error.sqlstate() == "22012");
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(stream.ended());
  CHECK(connection->usable());
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("a commit that fails behind the rows is the stream's error") {
  auto const connection = open();
  auto const table = unique("stream");
  sql("create table " + table + " (a int unique deferrable initially deferred)");
  Stream stream(*connection);
  start(stream, reading("insert into " + table + " values (1), (1) returning a"));
  auto const error = error_of([&] { read_all(stream); });
  CHECK(error.sqlstate() == "23505");
  CHECK(connection->usable());
  CHECK(sql("select count(*) from " + table) == "0");
}

TEST_CASE("statements of the same segment run ahead of the one that is read, in one round trip") {
  Proxy proxy(test::socket_of(primary()));
  auto const connection = open(proxy.conninfo());
  connection->ride_ahead("set work_mem = '1234kB'");
  auto const before = connection->round_trips();
  Stream stream(*connection);
  start(stream, together({"begin", "select 7", "select i from generate_series(1, 10) i"}));
  CHECK(read_all(stream).sum == 55);
  CHECK(connection->round_trips() - before == 1);
  CHECK(connection->transaction_state() == TransactionState::open);
  CHECK(value(*connection, "show work_mem") == "1234kB");

  Stream failing(*connection);
  auto const error = error_of([&] {
    start(failing, together({"savepoint a", "select 1/0", "select 1"}));
  });
  CHECK(error.sqlstate() == "22012");
  CHECK(connection->usable());
  CHECK(connection->transaction_state() == TransactionState::failed);
}

TEST_CASE("a rider that is refused keeps the statement from running") {
  auto const connection = open();
  connection->ride_ahead("select 1/0");
  Stream stream(*connection);
  auto const error = error_of([&] { start(stream, reading("select 1")); });
  CHECK(error.kind() == ErrorKind::connection);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK_FALSE(connection->usable());
}

// The server sends what it has when its buffer is full, so a padded row comes when the next one pushes it out.
std::string two_and_a_late_one(std::string const& seconds) {
  return "select i, repeat('x', 20000), case when i > 2 then pg_sleep(" + seconds +
         ") end from generate_series(1, 3) i";
}

TEST_CASE("rows come as they arrive, not when a batch is full") {
  auto const connection = open();
  Stream stream(*connection);
  Stopwatch const watch;
  start(stream, reading(two_and_a_late_one("3")));
  CHECK(next(stream).rows() == 1);
  CHECK(watch.milliseconds() < 3000);
  CHECK(read_all(stream).rows == 2);
  CHECK(watch.milliseconds() >= 3000);
}

TEST_CASE("a reader that does not ask makes the server wait, and memory stays flat") {
  auto const connection = open();
  Stream stream(*connection);
  start(stream, reading("select i, repeat('x', 100) from generate_series(1, 2000000) i, "
                        "(select 'stream_waits') as t"));
  auto const waits = [&] {
    return eventually([&] {
      return sql("select wait_event from pg_stat_activity where pid = " +
                 std::to_string(connection->backend_pid())) == "ClientWrite";
    });
  };
  CHECK(waits());
  next(stream);
  auto const before = resident();
  long long sum = 0;
  long most = 0;
  for (int i = 0;; ++i) {
    auto const batch = next(stream);
    if (batch.rows() == 0) break;
    sum += static_cast<long long>(batch.rows());
    if (i == 10) CHECK(waits());
    if (i % 200 == 0) most = std::max(most, resident());
  }
  CHECK(sum > 1999000);
  CHECK((test::kSanitized || most - before < 8 * 1024));  // a sanitizer keeps what was freed
}

TEST_CASE("large rows make small batches") {
  auto const connection = open();
  Stream stream(*connection);
  start(stream, reading("select repeat('x', 1000000) from generate_series(1, 20)"));
  long rows = 0;
  for (;;) {
    auto const batch = next(stream);
    if (batch.rows() == 0) break;
    CHECK(batch.rows() <= 2);
    rows += static_cast<long>(batch.rows());
  }
  CHECK(rows == 20);
}

TEST_CASE("a stream that is left is cancelled and drained") {
  auto const connection = open();
  {
    Stream stream(*connection);
    start(stream,
          reading("select i from generate_series(1, 100000000) i, (select 'stream_left') t"));
    CHECK(next(stream).rows() > 0);
  }
  CHECK_FALSE(connection->usable());
  REQUIRE(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
  CHECK(ended("stream_left"));
  CHECK(value(*connection, "select 1") == "1");
}

TEST_CASE("a read that is destroyed while it waits loses no rows") {
  auto const connection = open();
  Stream stream(*connection);
  start(stream, reading("select i from generate_series(1, 3) i where pg_sleep(0.1) is not null"));
  Total total;
  for (int i = 0; i < 50 && !stream.ended(); ++i) {
    async::Stepper<Result> stepper(stream.next(0, soon()));
    if (!stepper.step()) {
      std::this_thread::sleep_for(5ms);
      continue;
    }
    auto const batch = stepper.take();
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      total.sum += std::stoll(std::string(*batch.value(row, 0)));
    }
  }
  total.sum += read_all(stream).sum;
  CHECK(total.sum == 6);
}

TEST_CASE("a read that takes too long says so, and its rows are still to be had") {
  auto const connection = open();
  Stream stream(*connection);
  start(stream, reading(two_and_a_late_one("3")));
  CHECK(next(stream).rows() == 1);
  Stopwatch const watch;
  auto const error = error_of([&] { next(stream, 0, Deadline::in(100ms)); });
  CHECK(watch.milliseconds() < 100 + test::grace());
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(read_all(stream).rows == 2);
}

TEST_CASE("a server that freezes in mid-stream is left at the deadline") {
  auto const connection = open();
  Stream stream(*connection);
  start(stream, reading("select i from generate_series(1, 10000000) i"));
  primary().freeze_process(connection->backend_pid());
  Stopwatch watch;
  auto const error = error_of([&] {
    for (;;) next(stream, 0, Deadline::in(200ms));
  });
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(watch.milliseconds() < 2000 + test::grace());
  primary().thaw_process(connection->backend_pid());
  REQUIRE(wait(connection->cancel(soon())));
  CHECK(wait(connection->drain(Deadline::in(10s))));
}

TEST_CASE(
    "a connection that breaks in mid-stream ends it with an error, after the rows that came") {
  Proxy proxy(test::socket_of(primary()));
  for (auto const act : {Act::cut_before, Act::cut_at}) {
    auto const connection = open(proxy.conninfo());
    proxy.add({.side = Side::backend, .type = 'D', .text = "", .nth = 1500, .act = act, .byte = 3});
    Stream stream(*connection);
    start(stream, reading("select i from generate_series(1, 4000) i"));
    long rows = 0;
    auto const error = error_of([&] {
      for (;;) rows += static_cast<long>(next(stream).rows());
    });
    CHECK(rows == 1499);
    CHECK(error.kind() == ErrorKind::connection);
    CHECK(error.outcome() == Outcome::unknown);
    CHECK_FALSE(connection->is_open());
    proxy.clear();
  }
}

TEST_CASE("a session that the server ends in mid-stream tells its last words") {
  auto const connection = open();
  Stream stream(*connection);
  start(stream,
        reading("select i, case when i = 2000 then pg_terminate_backend(pg_backend_pid()) end "
                "from generate_series(1, 3000) i"));
  auto const error = error_of([&] { read_all(stream); });
  CHECK(error.sqlstate() == "57P01");
  CHECK_FALSE(connection->usable());
}

}  // namespace
}  // namespace moonpool::wire
