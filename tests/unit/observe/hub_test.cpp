#include "observe/hub.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "observe/record.hpp"
#include "support/catch.hpp"

namespace moonpool::observe {
namespace {

Activity statement(Stage stage = Stage::end) {
  Activity activity;
  activity.kind = Kind::statement;
  activity.stage = stage;
  activity.node = "primary";
  activity.sql = "select 'secret', 17 from users where id = $1";
  activity.statements = 1;
  activity.rows = 2;
  activity.attempt = 1;
  return activity;
}

TEST_CASE("nobody listens: nothing is wanted but what the log writes") {
  Hub const quiet({.level = Level::off});
  Hub const usual({.level = Level::warning});
  Hub const loud({.level = Level::debug});
  for (auto kind : {Kind::statement, Kind::acquire, Kind::use, Kind::audit, Kind::retry}) {
    CHECK_FALSE(quiet.wants(kind));
    CHECK_FALSE(usual.wants(kind));
  }
  CHECK(usual.wants(Kind::breaker));
  CHECK(usual.wants(Kind::role));
  CHECK(loud.wants(Kind::statement));
  CHECK_FALSE(loud.wants(Kind::acquire));
}

TEST_CASE("an observer is told of what it asked for, until it is taken off") {
  Hub hub({.level = Level::off});
  auto const queue = std::make_shared<Queue>(10, true);
  hub.add(queue, kinds_of(Kind::statement), Level::off);
  CHECK(hub.wants(Kind::statement));
  CHECK_FALSE(hub.wants(Kind::audit));
  hub.see(statement(Stage::begin));
  hub.see(statement());
  Activity other;
  other.kind = Kind::retry;
  hub.see(other);
  hub.log({Level::error, "x", "not asked for", {}});
  CHECK(queue->waiting() == 2);
  hub.remove(queue.get());
  CHECK_FALSE(hub.wants(Kind::statement));
  hub.see(statement());
  CHECK(queue->waiting() == 2);
}

TEST_CASE("a line of an activity reaches whoever takes lines of its level") {
  Hub hub({.level = Level::off});
  auto const all = std::make_shared<Queue>(10, false);
  auto const warnings = std::make_shared<Queue>(10, false);
  hub.add(all, 0, Level::debug);
  hub.add(warnings, 0, Level::warning);
  Tag const tag{"request-7", ""};
  auto activity = statement();
  activity.tag = &tag;
  activity.took = std::chrono::milliseconds(12);
  hub.see(activity);
  hub.log({Level::warning, "pool.leak", "held", {{"node", "a"}}});
  REQUIRE(all->waiting() == 2);
  CHECK(warnings->waiting() == 1);
  auto const line = all->next();
  CHECK(line->is_line);
  CHECK(line->name == "statement");
  CHECK(line->level == Level::debug);
  CHECK(line->message == "select ? from users where id = ?");
  auto field = [&](std::string_view key) {
    for (auto const& [name, value] : line->fields) {
      if (name == key) return value;
    }
    return std::string("-");
  };
  CHECK(field("correlation_id") == "request-7");
  CHECK(field("ms") == "12.000");
  CHECK(field("rows") == "2");
  CHECK(field("outcome") == "ok");
  CHECK(field("traceparent") == "-");
}

TEST_CASE("a record says what went wrong, and never the words of the server") {
  ServerFields fields;
  fields.sqlstate = "22P02";
  fields.message = "invalid input syntax for type integer: \"secret\"";
  Error const error(fields);
  auto activity = statement();
  activity.error = &error;
  Record const record(activity);
  CHECK(record.error == "invalid_text_representation");
  CHECK(record.sqlstate == "22P02");
  CHECK(record.outcome == "rejected");
  CHECK(record.statement == "select ? from users where id = ?");
  CHECK(record.operation == "SELECT");
}

TEST_CASE("a full queue drops the oldest and counts") {
  Queue queue(2, false);
  for (int i = 1; i <= 5; ++i) {
    auto activity = statement();
    activity.rows = i;
    queue.see(activity);
  }
  CHECK(queue.lost() == 3);
  CHECK(queue.next()->rows == 4);
  CHECK(queue.next()->rows == 5);
  CHECK_FALSE(queue.next().has_value());
}

struct Counter final : Observer {
  void see(Activity const&) noexcept override {
    if (gone) ++late;
    ++seen;
  }
  void read(Event const&) noexcept override { ++read_lines; }
  std::atomic<int> seen{0};
  std::atomic<int> read_lines{0};
  std::atomic<int> late{0};
  std::atomic<bool> gone{false};
};

TEST_CASE("many threads tell while observers come and go; none is called once it is off") {
  Hub hub({.level = Level::off});
  auto const constant = std::make_shared<Counter>();
  hub.add(constant, kAllKinds, Level::info);
  std::atomic<bool> stop{false};
  std::atomic<int> late{0};
  std::thread changer([&] {
    while (!stop) {
      auto const passing = std::make_shared<Counter>();
      hub.add(passing, kAllKinds, Level::debug);
      hub.remove(passing.get());
      passing->gone = true;
      late += passing->late;
    }
  });
  std::vector<std::thread> tellers;
  for (int t = 0; t < 4; ++t) {
    tellers.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        if (hub.wants(Kind::statement)) hub.see(statement());
        hub.log({Level::info, "test", "", {}});
      }
    });
  }
  for (auto& teller : tellers) teller.join();
  stop = true;
  changer.join();
  CHECK(constant->seen == 2000);
  CHECK(constant->read_lines == 2000);
  CHECK(late == 0);
}

}  // namespace
}  // namespace moonpool::observe
