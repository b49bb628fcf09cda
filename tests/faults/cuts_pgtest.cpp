// A connection that breaks at any point: what the engine then says of each piece of work must be true of
// the server, which an independent connection is asked. The conversation is learnt by running it once;
// then it is run again for each of its messages, and cut one byte before its end, at it, and behind it.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "session/copy.hpp"
#include "session/stream.hpp"
#include "support/sanitized.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Bent;
using test::Side;
using test::sql;
using test::wait;

// What was said of a row: it is there, it is not, or nobody knows.
enum class Said : std::uint8_t { there, absent, unknown };

struct Row {
  int number;
  Said said;
};

// A table, and what was said of each of its rows in one run of the conversation.
class Ledger {
 public:
  explicit Ledger(std::string table) : table_(std::move(table)) {}

  std::string insert(int row) const {
    return "insert into " + table_ + " values (" + std::to_string(row) + ")";
  }
  void say(int row, Error const* error) {
    auto said = Said::there;
    if (error != nullptr) said = error->in_doubt() ? Said::unknown : Said::absent;
    rows_.push_back({row, said});
  }
  std::vector<Row> const& rows() const { return rows_; }
  bool any_said(Said said) const {
    return std::ranges::any_of(rows_, [said](Row const& row) { return row.said == said; });
  }

  // Once nothing of that client is left on the server.
  void check(std::string const& client) const {
    REQUIRE(test::eventually([&] { return test::sessions(client) == 0; }));
    std::set<int> present;
    for (auto const& row : test::primary().query("select n from " + table_)) {
      present.insert(std::stoi(row.front().value()));
    }
    for (auto const& row : rows_) {
      INFO("row " << row.number);
      if (row.said == Said::there) CHECK(present.count(row.number) == 1);
      if (row.said == Said::absent) CHECK(present.count(row.number) == 0);
    }
  }

 private:
  std::string table_;
  std::vector<Row> rows_;
};

// Runs one call and says what became of the row.
void note(Ledger& ledger, int row, std::function<void()> const& call) {
  try {
    call();
    ledger.say(row, nullptr);
  } catch (Error const& error) {
    ledger.say(row, &error);
  }
}

void note_replies(Ledger& ledger, int first, int count, std::function<Answer()> const& call) {
  try {
    auto const answer = call();
    for (int i = 0; i < count; ++i) {
      ledger.say(first + i, std::get_if<Error>(&answer.replies[static_cast<std::size_t>(i)]));
    }
  } catch (Error const& error) {
    for (int i = 0; i < count; ++i) ledger.say(first + i, &error);
  }
}

// What is done in a transaction is there when COMMIT said so, and in doubt only when COMMIT was.
void in_transaction(Ledger& ledger, Session& session, int first, bool keep) {
  std::vector<int> rows;
  try {
    auto const tx = wait(session.begin({}));
    rows.push_back(first);
    test::run(*tx, ledger.insert(first));
    auto const inner = wait(tx->begin({}));
    rows.push_back(first + 1);
    test::run(*inner, ledger.insert(first + 1));
    wait(inner->commit());
    if (keep) {
      wait(tx->commit());
    } else {
      wait(tx->rollback());
      Error const undone(ErrorKind::transaction, "rolled back by its user");
      for (int row : rows) ledger.say(row, &undone);
      return;
    }
    for (int row : rows) ledger.say(row, nullptr);
  } catch (Error const& error) {
    for (int row : rows) ledger.say(row, &error);
  }
}

// An error of finish() may be in doubt; before it, or with a write that was not ended, nothing is stored.
void copy_in(Ledger& ledger, Session& session, std::string const& table, int row) {
  note(ledger, row, [&] {
    auto const copy = wait(session.copy_in("copy " + table + " from stdin", {}));
    copy->buffer() = std::to_string(row) + "\n";
    wait(copy->put());
    auto const stored = wait(copy->finish());
    CHECK(stored == 1);
  });
}

// Reading: rows that were given are the right ones, and the end is told apart from a break.
void stream_rows(Session& session) {
  try {
    auto const stream = wait(session.stream(test::statement("select generate_series(1, 5)"), {}));
    int next = 1;
    while (auto batch = wait(stream->next(2))) {
      if (batch->rows() == 0) break;
      for (std::size_t i = 0; i < batch->rows(); ++i) {
        CHECK(batch->value(i, 0) == std::to_string(next++));
      }
    }
    CHECK(next == 6);
  } catch (Error const& error) {
    CHECK(error.kind() != ErrorKind::internal);
  }
}

// Connect, a write, again and prepared, batches of either kind, transactions, a script, a COPY.
void converse(Bent& bent, Ledger& ledger, std::string const& table) {
  // Nothing is repeated, so that one cut is met by one piece of work.
  auto const session = bent.session->with(Habits{.timeout = 10s, .retry = {.attempts = 1}});
  note(ledger, 1, [&] { test::run(*session, ledger.insert(1)); });
  for (int row = 2; row <= 4; ++row) {
    note(ledger, row, [&] {
      test::run(*session, test::statement("insert into " + table + " values ($1::int)",
                                          {std::to_string(row)}));
    });
  }
  note_replies(ledger, 10, 3, [&] {
    return test::run_all(*session, {ledger.insert(10), ledger.insert(11), ledger.insert(12)});
  });
  note_replies(ledger, 20, 3, [&] {
    return test::run_all(*session, {ledger.insert(20), ledger.insert(21), ledger.insert(22)},
                         test::kAtomic);
  });
  // The second of three fails, in segments of their own and in one.
  note_replies(ledger, 30, 3, [&] {
    return test::run_all(*session, {ledger.insert(30), "select 1 / 0", ledger.insert(32)});
  });
  note_replies(ledger, 40, 3, [&] {
    return test::run_all(*session, {ledger.insert(40), "select 1 / 0", ledger.insert(42)},
                         test::kAtomic);
  });
  in_transaction(ledger, *session, 50, true);
  in_transaction(ledger, *session, 60, false);
  copy_in(ledger, *session, table, 70);
  stream_rows(*session);
}

struct Place {
  Side side;
  std::uint64_t bytes;
  bool operator<(Place const& other) const {
    return std::pair(side, bytes) < std::pair(other.side, other.bytes);
  }
};

// The ends of all messages of the first connection, each with its neighbours.
std::set<Place> places_of(std::vector<test::Event> const& log) {
  std::set<Place> places;
  for (auto const& event : log) {
    if (event.connection != log.front().connection) continue;
    auto const end = event.offset + event.size;
    for (auto const at : {end - 1, end, end + 1}) places.insert({event.side, at});
  }
  return places;
}

cluster::ClusterOptions quick() {
  cluster::ClusterOptions options;
  options.pool.max = 1;
  options.pool.acquire_timeout = 5s;
  // Where a breaker stands between, a call says not_sent, which would prove nothing.
  options.breaker = {.failures = 1'000'000, .failure_rate = 0};
  return options;
}

TEST_CASE("cut at any byte around any message, the engine never says what is not so") {
  auto const table = test::unique("cut");
  sql("create table " + table + " (n int)");
  std::vector<test::Event> log;
  {
    Bent bent(quick());
    Ledger ledger(table);
    converse(bent, ledger, table);
    log = bent.proxy.log();
    CHECK(std::ranges::count(ledger.rows(), Said::there, &Row::said) == 4 + 3 + 3 + 2 + 2 + 1);
    CHECK_FALSE(ledger.any_said(Said::unknown));
    wait(bent.cluster->close(test::soon()));
    ledger.check(bent.name);
  }
  auto const places = places_of(log);
  REQUIRE(places.size() > 300);
  std::size_t in_doubt = 0;
  std::size_t done = 0;
  for (auto const& place : places) {
    // Under a sanitizer a seventh of them is patience enough; which one does not matter to it.
    if (test::kSanitized && place.bytes % 7 != 0) continue;
    sql("truncate " + table);
    Bent bent(quick());
    auto const before = bent.proxy.accepted();
    bent.proxy.cut({.side = place.side, .bytes = place.bytes, .connection = 1});
    Ledger ledger(table);
    INFO((place.side == Side::frontend ? "frontend" : "backend") << " cut at " << place.bytes);
    converse(bent, ledger, table);
    // A cut that was met broke a connection, so another one was opened or the conversation was over.
    bool const last = place.bytes + 400 > log.back().offset + log.back().size;
    CHECK((bent.proxy.accepted() > before + 1 || last));
    // Afterwards everything works.
    // A cut behind the last message meets this question itself, once.
    CHECK(test::eventually([&] {
      try {
        return test::ask(*bent.session, "select 'well'") == "well";
      } catch (Error const&) {
        return false;
      }
    }));
    wait(bent.cluster->close(test::soon()));
    ledger.check(bent.name);
    in_doubt += ledger.any_said(Said::unknown) ? 1 : 0;
    ++done;
  }
  // Not everything is called unknown for safety: each cut leaves one piece of work in doubt at most, and
  // those in the login, in front of a statement's own bytes, or in a transaction leave none.
  CHECK(in_doubt > done / 10);
  CHECK(in_doubt < done * 9 / 10);
}

}  // namespace
}  // namespace moonpool::session
