#include "session/stream.hpp"

#include <fstream>

#include "session/copy.hpp"
#include "session/session.hpp"
#include "support/promptness.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Bent;
using test::Engine;
using test::error_of;
using test::eventually;
using test::kRead;
using test::sql;
using test::statement;
using test::wait;

using Streamed = std::shared_ptr<Stream>;

Streamed open(Session& session, std::string text, RunOptions options = {},
              std::vector<std::string> params = {}) {
  return wait(session.stream(statement(std::move(text), std::move(params)), options));
}

long long sum(Stream& stream, std::size_t most = 0) {
  long long total = 0;
  while (auto const batch = wait(stream.next(most))) {
    for (std::size_t row = 0; row < batch->rows(); ++row) {
      total += std::stoll(std::string(*batch->value(row, 0)));
    }
  }
  return total;
}

bool one_is_idle(Engine const& engine) {
  return eventually([&] {
    auto const stats = engine.cluster->stats()[0].writes;
    return stats.busy == 0 && stats.closing == 0;
  });
}

TEST_CASE("a stream gives every row once and its connection back") {
  Engine const engine;
  for (long const n : {0L, 1L, 63L, 64L, 65L, 256L, 5000L}) {
    for (std::size_t const most : {std::size_t{0}, std::size_t{7}}) {
      auto const stream = open(*engine.session, "select i from generate_series(1, $1::int) i", {},
                               {std::to_string(n)});
      CHECK(stream->node() == "primary");
      CHECK(sum(*stream, most) == static_cast<long long>(n) * (n + 1) / 2);
      CHECK_FALSE(wait(stream->next(0)).has_value());
    }
  }
  CHECK(engine.cluster->stats()[0].writes.busy == 0);
  CHECK(engine.cluster->stats()[0].writes.opened == 1);
  // Another session: what was streamed from the primary may have written, so this one's reads stay there.
  auto const other = Session::make(engine.cluster, {});
  auto const read = open(*other, "select pg_is_in_recovery()::int", kRead);
  CHECK(read->node() == "replica1");
  CHECK(sum(*read) == 1);
}

TEST_CASE("nobody gets more rows at once than he asked for, the first time neither") {
  Engine const engine;
  for (int const inside : {0, 1}) {
    auto const session = inside != 0 ? wait(engine.session->begin({})) : engine.session;
    for (long const n : {0L, 1L, 9L, 10L, 11L, 63L, 64L, 65L, 200L}) {
      auto const stream = open(
          *session, "select i, nullif('t' || i, 't2'), null from generate_series(1, $1::int) i", {},
          {std::to_string(n)});
      long seen = 0;
      std::size_t most = 1;
      while (auto const batch = wait(stream->next(most))) {
        CHECK(batch->rows() <= most);
        for (std::size_t row = 0; row < batch->rows(); ++row) {
          CHECK(batch->value(row, 0) == std::to_string(++seen));
          CHECK(batch->value(row, 1).value_or("t2") == "t" + std::to_string(seen));
          CHECK_FALSE(batch->value(row, 2).has_value());
        }
        most = 10;
      }
      CHECK(seen == n);
    }
    if (inside != 0) wait(session->commit());
  }
}

TEST_CASE("after a COPY or a stream that wrote, reads see it, on the replica too") {
  // What the server itself writes to its log meanwhile is on its way to the replica as well.
  cluster::ClusterOptions options;
  options.catch_up_wait = 10s;
  Engine const engine(options);
  auto const table = test::unique("streamed");
  ask(*engine.session, "create table " + table + " (a int)");
  int rows = 0;
  auto const check = [&] {
    for (int i = 0; i < 3; ++i) {
      wire::Request request;
      request.push_back(statement("select count(*) from " + table));
      auto const answer = wait(engine.session->run(std::move(request), kRead));
      REQUIRE(answer.error() == nullptr);
      CHECK(test::text_of(std::get<wire::Result>(answer.replies[0])) == std::to_string(rows));
      CHECK(answer.node == "replica1");
    }
  };
  test::servers().wait_until_replicated();
  for (int i = 0; i < 3; ++i) {
    auto const copy = wait(engine.session->copy_in("copy " + table + " from stdin", {}));
    copy->rows().number(i);
    copy->rows().end_row();
    rows += static_cast<int>(wait(copy->finish()));
    test::servers().wait_until_replicated();
    check();
    auto const stream = open(*engine.session, "insert into " + table + " values (1) returning a");
    CHECK(sum(*stream) == 1);
    ++rows;
    test::servers().wait_until_replicated();
    check();
  }
  // One that was left is not known of, so its session's reads stay with the primary.
  {
    auto const copy = wait(engine.session->copy_in("copy " + table + " from stdin", {}));
    copy->rows().number(1);
    copy->rows().end_row();
  }
  CHECK(ask(*engine.session, "select pg_is_in_recovery()", kRead) == "f");
}

TEST_CASE("a stream that is left early frees its connection, and the server stops") {
  Engine const engine;
  {
    auto const stream =
        open(*engine.session, "select i, 'left_' from generate_series(1, 3000000) i");
    CHECK(wait(stream->next(0))->rows() > 0);
    CHECK(ask(*engine.session, "select 1") == "1");
  }
  CHECK(one_is_idle(engine));
  CHECK(sql("select count(*) from pg_stat_activity where state = 'active' and query like "
            "'%left\\_%' and pid <> pg_backend_pid()") == "0");
  CHECK(ask(*engine.session, "select 'fresh'") == "fresh");
}

TEST_CASE("what is wrong with a stream is told at once, later errors after the rows before them") {
  Engine const engine;
  auto const wrong = error_of([&] { open(*engine.session, "select nowhere"); });
  CHECK(wrong.sqlstate() == "42703");
  CHECK(wrong.node() == "primary");
  auto const stream =
      open(*engine.session, "select 1 / (3000 - i) from generate_series(1, 4000) i");
  std::size_t rows = 0;
  auto const late = error_of([&] {
    while (auto const batch = wait(stream->next(0))) rows += batch->rows();
  });
  CHECK(rows == 2999);
  CHECK(late.sqlstate() == "22012");
  CHECK_FALSE(wait(stream->next(0)).has_value());
  CHECK(engine.cluster->stats()[0].writes.busy == 0);
  CHECK(error_of([&] { open(*engine.session, "create table never (a int)", kRead); }).sqlstate() ==
        "25006");
}

TEST_CASE("until its first row a read stream is tried again") {
  Bent bent;
  ask(*bent.session, "select 1", kRead);
  auto const rule = bent.proxy.add({.side = test::Side::backend,
                                    .type = 'T',
                                    .text = "",
                                    .nth = 1,
                                    .act = test::Act::cut_before});
  auto const stream = open(*bent.session, "select i from generate_series(1, 10) i", kRead);
  CHECK(bent.proxy.hits(rule) == 1);
  CHECK(sum(*stream) == 55);
}

TEST_CASE("a frozen server is left at the stream's deadline") {
  Engine const engine;
  RunOptions options;
  options.timeout = 300ms;
  auto const stream = open(*engine.session,
                           "select case when i > 1000 then pg_sleep(60) end, "
                           "repeat('x', 100) from generate_series(1, 2000) i",
                           options);
  test::Stopwatch const watch;
  auto const error = error_of([&] {
    while (wait(stream->next(0))) continue;
  });
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK(watch.milliseconds() < 300 + 2000 + test::grace());
  CHECK(one_is_idle(engine));
}

TEST_CASE("inside a transaction a stream is a cursor: other statements run between its rows") {
  Engine const engine;
  auto const tx = wait(engine.session->begin({}));
  test::run(*tx, "create temp table streamed on commit drop as select generate_series(1, 3000) i");
  auto const stream = open(*tx, "select i from streamed order by i");
  long rows = 0;
  while (auto const batch = wait(stream->next(0))) {
    rows += static_cast<long>(batch->rows());
    test::run(*tx, "insert into streamed values (9999)");
  }
  CHECK(rows == 3000);
  CHECK(ask(*tx, "select count(*) from pg_cursors where name like 'moonpool%'") == "0");
  {
    auto const left = open(*tx, "select i from generate_series(1, 100000) i");
    wait(left->next(10));
    CHECK(ask(*tx, "select count(*) from pg_cursors where name like 'moonpool%'") == "1");
  }
  CHECK(ask(*tx, "select count(*) from pg_cursors where name like 'moonpool%'") == "0");
  wait(tx->commit());
  auto const again = wait(engine.session->begin({}));
  CHECK(error_of([&] { open(*again, "create table never (a int)"); }).hint().find("query") !=
        std::string::npos);
  wait(again->rollback());
}

TEST_CASE("a cursor that outlives its savepoint or transaction does no harm") {
  Engine const engine;
  Streamed kept;
  {
    auto const tx = wait(engine.session->begin({}));
    {
      auto const inner = wait(tx->begin({}));
      auto const stream = open(*inner, "select i from generate_series(1, 100000) i");
      wait(stream->next(10));
      CHECK(error_of([&] { test::run(*inner, "select 1/0"); }).sqlstate() == "22012");
      wait(inner->rollback());
      CHECK(error_of([&] {
              while (wait(stream->next(10))) continue;  // what came with the opening, and no more
            }).kind() == ErrorKind::transaction);
    }
    CHECK(ask(*tx, "select 'sound'") == "sound");
    kept = open(*tx, "select i from generate_series(1, 100000) i");
    wait(tx->commit());
  }
  wait(kept->next(1));  // what came with the opening
  CHECK(error_of([&] {
          while (wait(kept->next(10))) continue;
        }).kind() == ErrorKind::transaction);
}

}  // namespace
}  // namespace moonpool::session
