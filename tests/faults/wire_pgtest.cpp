// Long requests, broken requests, strange deliveries, and COPY that ends in the middle.
#include <sys/resource.h>

#include "faults/ground.hpp"
#include "session/copy.hpp"
#include "session/stream.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Act;
using test::ask;
using test::Bent;
using test::error_of;
using test::eventually;
using test::once;
using test::Side;
using test::sql;
using test::wait;
using test::writes;

// What a conversation with a bit of everything says, to be compared with itself.
std::string transcript(Session& session) {
  std::string said;
  auto add = [&said](Answer const& answer) {
    for (auto const& reply : answer.replies) {
      if (auto const* error = std::get_if<Error>(&reply)) {
        said += std::string(error->name()) + " " + error->sqlstate() + "\n";
        continue;
      }
      auto const& result = std::get<wire::Result>(reply);
      said += std::string(result.tag());
      for (std::size_t row = 0; row < result.rows(); ++row) {
        for (std::size_t column = 0; column < result.columns(); ++column) {
          said += " " + std::string(result.value(row, column).value_or("NULL"));
        }
      }
      said += "\n";
    }
  };
  for (int i = 0; i < 3; ++i) {
    add(wait(session.run({test::statement("select $1::text, $2::int", {"x", "\1NULL"})}, {})));
  }
  add(test::run_all(session, {"select 1", "select 1 / 0", "select 3"}));
  add(test::run_all(session, {"select 1", "select 1 / 0", "select 3"}, test::kAtomic));
  add(wait(session.run_script("select 4; select 5", {})));
  auto const tx = wait(session.begin({}));
  add(wait(tx->run({test::statement("create temp table t (a int)")}, {})));
  auto const copy = wait(tx->copy_in("copy t from stdin", {}));
  copy->buffer() = "1\n2\n";
  said += std::to_string(wait(copy->finish())) + " copied\n";
  auto const stream = wait(tx->stream(test::statement("select a from t order by a"), {}));
  while (auto const batch = wait(stream->next(1))) {
    if (batch->rows() == 0) break;
    for (std::size_t row = 0; row < batch->rows(); ++row) {
      said += "row " + std::string(*batch->value(row, 0)) + "\n";
    }
  }
  wait(tx->rollback());
  add(test::run_all(session, {"select length(repeat('y', 5000))"}));
  return said;
}

TEST_CASE("however the bytes arrive, and whatever comes in between, the answers are the same") {
  Bent clean;
  auto const expected = transcript(*clean.session);
  CAPTURE(expected);
  CHECK(expected.find("division_by_zero") != std::string::npos);
  CHECK(expected.find("row 2") != std::string::npos);
  {
    Bent bent;
    bent.proxy.slice(true);
    CHECK(transcript(*bent.session) == expected);
  }
  {
    Bent bent;
    bent.proxy.patience(5ms);  // many answers in one piece
    CHECK(transcript(*bent.session) == expected);
  }
  // Notices, reports and notifications in front of every message that may follow them.
  for (char const type : {'1', '2', 'T', 'n', 'D', 'C', 'Z', 'E', 'G', 's'}) {
    INFO("in front of " << type);
    Bent bent;
    ask(*bent.session, "select 1");
    auto const rule = bent.proxy.add({.side = Side::backend,
                                      .type = type,
                                      .nth = 0,
                                      .act = Act::put_before,
                                      .payload = test::notice_message("between") +
                                                 test::parameter_status("between", "yes") +
                                                 test::notification(1, "between", "payload")});
    CHECK(transcript(*bent.session) == expected);
    if (type != 's' && type != 'n') CHECK(bent.proxy.hits(rule) > 0);
  }
}

TEST_CASE(
    "ten thousand statements with large parameters and large results do not block each other") {
  Bent bent;
  auto const session = bent.session->with(once(test::kSanitized ? 300s : 120s));
  wire::Request request;
  std::string const large(1 << 20, 'p');
  int const count = test::kSanitized ? 2'000 : 10'000;
  for (int i = 0; i < count; ++i) {
    bool const heavy = i % (count / 20) == 0;
    request.push_back(heavy ? test::statement("select $1::text || 'r'", {large})
                            : test::statement("select " + std::to_string(i)));
  }
  auto const answer = wait(session->run(std::move(request), {}));
  REQUIRE(answer.replies.size() == static_cast<std::size_t>(count));
  CHECK(answer.error() == nullptr);
  std::size_t bytes = 0;
  for (auto const& reply : answer.replies) {
    bytes += std::get<wire::Result>(reply).value(0, 0)->size();
  }
  CHECK(bytes > 20U * large.size());
}

TEST_CASE(
    "a batch with an error in its middle, cut behind any answer: each segment's fate is told") {
  // Three segments of two statements; the second one fails at its second statement.
  for (int answered = 1; answered <= 3; ++answered) {
    for (auto const act : {Act::cut_before, Act::cut_after}) {
      INFO("ReadyForQuery " << answered << (act == Act::cut_after ? " passed on" : " kept back"));
      auto const table = test::unique("segments");
      sql("create table " + table + " (n int)");
      Bent bent;
      auto placed = wait(bent.cluster->place(cluster::Route::write, test::soon()));
      auto insert = [&](int n, bool ends) {
        auto statement =
            test::statement("insert into " + table + " values (" + std::to_string(n) + ")");
        statement.ends_segment = ends;
        return statement;
      };
      wire::Request request = {insert(1, false), insert(2, true),
                               insert(3, false), test::statement("select 1 / 0"),
                               insert(5, false), insert(6, true)};
      auto const rule =
          bent.proxy.add({.side = Side::backend, .type = 'Z', .nth = answered, .act = act});
      auto const replies = wait(placed.lease->run(std::move(request), test::soon()));
      CHECK(bent.proxy.hits(rule) == 1);
      REQUIRE(replies.size() == 6);
      // A segment is done when all of it is: one reply speaks of its own statement alone.
      auto fate = [&](std::size_t first) {
        std::string worst = "done";
        for (auto i = first; i < first + 2; ++i) {
          auto const* error = std::get_if<Error>(&replies[i]);
          if (error != nullptr) worst = error->in_doubt() ? "unknown" : "undone";
        }
        return worst;
      };
      int const told = answered - (act == Act::cut_before ? 1 : 0);
      std::string const first = told >= 1 ? "done" : "unknown";
      std::string const third = told >= 3 ? "done" : "unknown";
      CHECK(fate(0) == first);
      // Its error is known once its message was read, which is in front of the Sync's answer.
      std::string const second = answered >= 2 ? "undone" : "unknown";
      CHECK(fate(2) == second);
      CHECK(fate(4) == third);
      placed.lease.discard();
      CHECK(eventually([&] { return test::sessions(bent.name) == 0; }));
      CHECK(sql("select count(*) from " + table + " where n in (3)") == "0");
      if (told >= 1) CHECK(sql("select count(*) from " + table + " where n in (1, 2)") == "2");
      if (told >= 3) CHECK(sql("select count(*) from " + table + " where n in (5, 6)") == "2");
    }
  }
}

// Rows enough that the server is in the middle of them when the connection breaks.
std::string many_rows(int from, int count) {
  std::string rows;
  for (int i = 0; i < count; ++i) rows += std::to_string(from + i) + "\n";
  return rows;
}

TEST_CASE("a COPY into a table stores all of its rows or none, wherever it is cut") {
  struct Cut {
    char const* what;
    test::Rule rule;
    Outcome outcome;
  };
  int const count = 200'000;
  Cut const cuts[] = {
      {"at the first row", {.type = 'd', .nth = 1, .act = Act::cut_before}, Outcome::not_sent},
      {"half way", {.type = 'd', .nth = 10, .act = Act::cut_after}, Outcome::not_sent},
      {"before the end", {.type = 'c', .act = Act::cut_before}, Outcome::unknown},
      {"behind the end", {.type = 'c', .act = Act::cut_after}, Outcome::unknown},
      {"before the answer",
       {.side = Side::backend, .type = 'C', .text = "COPY", .act = Act::cut_before},
       Outcome::unknown},
  };
  for (auto const& [what, rule, outcome] : cuts) {
    INFO(what);
    auto const table = test::unique("copied");
    sql("create table " + table + " (n int)");
    Bent bent;
    auto const number = bent.proxy.add(rule);
    auto const error = error_of([&] {
      auto const copy = wait(bent.session->copy_in("copy " + table + " from stdin", {}));
      for (int from = 0; from < count; from += 10'000) {
        copy->buffer() += many_rows(from, 10'000);
        if (copy->is_full()) wait(copy->put());
      }
      wait(copy->finish());
    });
    CHECK(bent.proxy.hits(number) == 1);
    // Whoever says that nothing is stored is right; in doubt, it is all or nothing.
    CHECK((error.outcome() == outcome || error.outcome() == Outcome::unknown));
    CHECK(eventually([&] { return test::sessions(bent.name) == 0; }));
    auto const rows = sql("select count(*) from " + table);
    CHECK((rows == "0" || (error.in_doubt() && rows == std::to_string(count))));
    bent.proxy.clear();
    CHECK(ask(*bent.session, "select 'well'") == "well");
  }
}

TEST_CASE(
    "a COPY whose producer gives up, or whose last row is bad, stores nothing and frees its "
    "place") {
  auto const table = test::unique("copied");
  sql("create table " + table + " (n int)");
  Bent bent;
  {
    auto const copy = wait(bent.session->copy_in("copy " + table + " from stdin", {}));
    copy->buffer() = many_rows(0, 50'000);
    wait(copy->put());
    wait(copy->fail("the producer raised"));
  }
  {
    // Left without a word.
    auto const copy = wait(bent.session->copy_in("copy " + table + " from stdin", {}));
    copy->buffer() = many_rows(0, 50'000);
    wait(copy->put());
  }
  auto const error = error_of([&] {
    auto const copy = wait(bent.session->copy_in("copy " + table + " from stdin", {}));
    copy->buffer() = many_rows(0, 50'000) + "not a number\n";
    wait(copy->put());
    wait(copy->finish());
  });
  CHECK(error.sqlstate() == "22P02");
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(test::at_rest(*bent.cluster));
  CHECK(sql("select count(*) from " + table) == "0");
  test::check_clean(*bent.session);
}

TEST_CASE("a COPY out of a table that is left after its first rows stops on the server") {
  Bent bent;
  {
    auto const copy = wait(bent.session->copy_out(
        "copy (select g, repeat('x', 1000) from generate_series(1, 5000000) g) to stdout", {}));
    CHECK_FALSE(wait(copy->next()).empty());
    CHECK(writes(*bent.cluster).busy + bent.cluster->stats()[0].reads.busy == 1);
  }
  CHECK(test::at_rest(*bent.cluster));
  CHECK(eventually([&] {
    return sql("select count(*) from pg_stat_activity where state = 'active' and "
               "application_name = '" +
               bent.name + "'") == "0";
  }));
  test::check_clean(*bent.session);
}

}  // namespace
}  // namespace moonpool::session
