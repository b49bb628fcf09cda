// What the C++ face shows of the engine, linked as a host program is.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "moonpool/moonpool.hpp"
#include "support/catch.hpp"

namespace {

using moonpool::Cluster;
using moonpool::Correlation;
using moonpool::Error;
using moonpool::Event;
using moonpool::EventKind;
using moonpool::EventKinds;
using moonpool::Level;
using moonpool::Observation;
using moonpool::Options;
using moonpool::Settings;
using moonpool::Stage;

constexpr auto kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

Options wishes(Settings more = {}) {
  char const* const primary = std::getenv("MOONPOOL_PRIMARY");
  REQUIRE(primary != nullptr);
  return {.primary = primary, .more = std::move(more)};
}

// What threads have said, one at a time.
class Heard {
 public:
  void add(std::string text) {
    std::lock_guard const lock(mutex_);
    texts_.push_back(std::move(text));
  }
  std::vector<std::string> all() const {
    std::lock_guard const lock(mutex_);
    return texts_;
  }
  bool has(std::string const& part) const {
    for (auto const& text : all()) {
      if (text.find(part) != std::string::npos) return true;
    }
    return false;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
};

std::string text(std::string_view view) { return std::string(view); }

// Has stderr in a file until it is asked what was written.
class Stderr {
 public:
  Stderr() : file_(std::tmpfile()), before_(dup(2)) { dup2(fileno(file_), 2); }
  Stderr(Stderr const&) = delete;
  Stderr& operator=(Stderr const&) = delete;
  ~Stderr() {
    restore();
    std::fclose(file_);
  }
  std::string text() {
    restore();
    std::rewind(file_);
    std::string out(4096, '\0');
    out.resize(std::fread(out.data(), 1, out.size(), file_));
    return out;
  }

 private:
  void restore() {
    if (before_ < 0) return;
    dup2(before_, 2);
    close(std::exchange(before_, -1));
  }
  std::FILE* file_;
  int before_;
};

TEST_CASE("a function sees statements until its observation goes") {
  auto const cluster = Cluster::connect(wishes());
  Heard heard;
  {
    auto const watching = cluster.observe(EventKind::statement, [&](Event const& event) {
      CHECK(event.kind == EventKind::statement);
      CHECK(event.stage == Stage::end);
      CHECK(event.took > std::chrono::nanoseconds::zero());
      CHECK(std::chrono::system_clock::now() - event.at < std::chrono::minutes(1));
      heard.add(text(event.operation) + "|" + text(event.statement) + "|" +
                std::to_string(event.rows) + "|" + text(event.outcome) + "|" +
                text(event.sqlstate) + "|" + text(event.node));
    });
    CHECK(watching);
    cluster.query("select 'secret' from generate_series(1, 3)");
    CHECK_THROWS_AS(cluster.exec("selec"), Error);
  }
  cluster.query("select 2");
  CHECK(heard.all() ==
        std::vector<std::string>{"SELECT|select ? from generate_series (?)|3|ok||primary",
                                 "SELEC|selec|0|rejected|42601|primary"});
}

TEST_CASE("begins are told to who asks, with the number of their end") {
  auto const cluster = Cluster::connect(wishes());
  std::vector<std::pair<Stage, std::uint64_t>> seen;
  auto watching = cluster.observe(
      EventKind::statement | EventKind::transaction,
      [&](Event const& event) { seen.emplace_back(event.stage, event.number); }, {.begins = true});
  cluster.query("select 1");
  watching.stop();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].first == Stage::begin);
  CHECK(seen[1].first == Stage::end);
  CHECK(seen[0].second == seen[1].second);
  CHECK_FALSE(watching);
}

TEST_CASE("what a function throws reaches nobody but stderr, once, and is counted") {
  auto const cluster = Cluster::connect(wishes());
  Stderr captured;
  auto watching = cluster.observe(
      EventKind::statement, [](Event const&) -> void { throw std::runtime_error("disk is full"); });
  auto const odd = cluster.observe(EventKind::statement, [](Event const&) -> void { throw 7; });
  CHECK(cluster.query("select 1").scalar<int>() == 1);
  CHECK(cluster.query("select 2").scalar<int>() == 2);
  CHECK(watching.failures() == 2);
  CHECK(odd.failures() == 2);
  CHECK(captured.text() ==
        "moonpool: a function that observes events threw: disk is full\n"
        "moonpool: a function that observes events threw: something that is no std::exception\n");
  watching.stop();
  CHECK(watching.failures() == 0);
}

TEST_CASE("an observation may be moved, replaced, and outlive its cluster") {
  int first = 0;
  int second = 0;
  Observation kept;
  CHECK_FALSE(kept);
  {
    auto const cluster = Cluster::connect(wishes());
    kept = cluster.observe(EventKind::statement, [&](Event const&) { ++first; });
    cluster.query("select 1");
    kept = cluster.observe(EventKind::statement, [&](Event const&) { ++second; });
    cluster.query("select 1");
    auto elsewhere = std::move(kept);
    cluster.query("select 1");
    kept = std::move(elsewhere);
  }
  CHECK(kept);
  CHECK(first == 1);
  CHECK(second == 2);
}

TEST_CASE("an observation that is ended inside of its function says so and goes on") {
  auto const cluster = Cluster::connect(wishes());
  std::string said;
  Observation watching;
  watching = cluster.observe(EventKind::statement, [&](Event const&) {
    try {
      watching.stop();
    } catch (Error const& error) {
      said = error.kind;
    }
  });
  cluster.query("select 1");
  CHECK(said == "usage");
  CHECK(watching);
}

TEST_CASE("one function is called by all threads") {
  auto const cluster = Cluster::connect(wishes());
  std::atomic<int> statements{0};
  {
    auto const watching =
        cluster.observe(EventKind::statement, [&](Event const&) { ++statements; });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) cluster.query("select 1");
      });
    }
    for (auto& thread : threads) thread.join();
  }
  CHECK(statements == 200);
}

TEST_CASE("the program's own logger gets every line, the first one too, and stderr none") {
  Heard lines;
  Stderr captured;
  {
    // A server whose role nobody said, so that the first look at it has something to tell.
    auto options = wishes({{"slow_query", "1ms"}});
    options.more.emplace_back("nodes", std::exchange(options.primary, ""));
    options.log_to = [&](Event const& line) {
      std::string said = text(line.name) + " " + text(line.message);
      line.each_field(
          [&](auto key, auto value) { said.append(" ").append(key).append("=").append(value); });
      CHECK(line.field("no such field").empty());
      if (line.level >= Level::warning) said += " LOUD";
      lines.add(std::move(said));
    };
    auto const cluster = Cluster::connect(options);
    cluster.query("select pg_sleep(0.002), $1", "hidden");
  }
  CHECK(lines.has("is a primary node="));
  CHECK(lines.has("statement.slow select pg_sleep (?), ? node="));
  CHECK(lines.has("params=$1=6 bytes LOUD"));
  CHECK_FALSE(lines.has("hidden"));
  CHECK(captured.text().empty());
}

TEST_CASE("a cluster that nobody answers tells the program's own logger alone") {
  Heard lines;
  Stderr captured;
  {
    Options options{.primary = "host=127.0.0.1 port=1 dbname=none user=nobody"};
    options.log_to = [&](Event const& line) { lines.add(text(line.name)); };
    options.log_level = Level::warning;
    options.more = {{"failover_wait", "0"}, {"timeout", "2s"}, {"retry.attempts", "1"}};
    auto const cluster = Cluster::connect(options);
    CHECK_THROWS_AS(cluster.query("select 1"), Error);
  }
  CHECK(lines.has("node.down"));
  CHECK(captured.text().empty());
}

TEST_CASE("a wrong configuration is refused with the host's logger as without") {
  auto options = wishes({{"pool.maxi", "3"}});
  options.log_to = [](Event const&) {};
  CHECK_THROWS_AS(Cluster::connect(options), Error);
  options.more = {{"pool.min", "9"}, {"pool.max", "3"}};
  CHECK_THROWS_AS(Cluster::connect(options), Error);
}

TEST_CASE("a correlation is carried by the calls of its thread while it lives") {
  auto const cluster = Cluster::connect(wishes());
  Heard heard;
  auto watching = cluster.observe(EventKind::statement, [&](Event const& event) {
    heard.add(text(event.correlation_id) + " " + text(event.traceparent));
  });
  cluster.query("select 1");
  {
    Correlation const request("request-7", kTrace);
    cluster.query("select 1");
    auto kept = cluster.session();
    {
      Correlation const inner("request-8");
      cluster.query("select 1");
      kept.query("select 1");
    }
    std::thread([&] { cluster.query("select 1"); }).join();
    cluster.transaction([](moonpool::Transaction& tx) { tx.exec("select 1"); });
  }
  cluster.query("select 1");
  watching.stop();
  auto const traced = std::string("request-7 ") + kTrace;
  CHECK(heard.all() ==
        std::vector<std::string>{" ", traced, "request-8 ", traced, " ", traced, " "});
  CHECK_THROWS_AS(Correlation("two\nlines"), Error);
  CHECK_THROWS_AS(Correlation("fine", "no trace"), Error);
  cluster.query("select 1");  // a refused one left nothing behind
}

TEST_CASE("a session says who asks on whatever thread it is") {
  auto const cluster = Cluster::connect(wishes());
  Heard heard;
  auto const watching = cluster.observe(EventKind::statement, [&](Event const& event) {
    heard.add(text(event.correlation_id) + " " + text(event.who));
  });
  auto session = cluster.session({{"correlation_id", "job-1"}, {"timeout", "5s"}});
  std::thread([&] { session.query("select 1"); }).join();
  auto renamed = session.with({{"correlation_id", "job-2"}});
  renamed.query("select 1");
  CHECK(heard.all() == std::vector<std::string>{"job-1 ", "job-2 "});
  CHECK_THROWS_AS(cluster.session({{"corelation_id", "x"}}), Error);
}

TEST_CASE("the audit tells who wrote what, and what became of it") {
  auto const cluster = Cluster::connect(wishes());
  cluster.exec("create table if not exists audited (id int unique)");
  cluster.exec("truncate audited");
  Heard heard;
  auto const audit = cluster.observe(EventKind::audit, [&](Event const& event) {
    heard.add(text(event.operation) + "|" + text(event.statement) + "|" +
              std::to_string(event.rows) + "|" + text(event.outcome) + "|" + text(event.who) + "|" +
              text(event.to));
  });
  auto session = cluster.session({{"as.app.user_id", "7"}});
  session.exec("insert into audited values ($1), (2)", 1);
  CHECK_THROWS_AS(session.exec("insert into audited values (1)"), Error);
  session.query("select * from audited");
  session.transaction([](moonpool::Transaction& tx) { tx.exec("delete from audited"); });
  CHECK(heard.all() ==
        std::vector<std::string>{"INSERT|insert into audited values (?)|2|ok|app.user_id=7|",
                                 "INSERT|insert into audited values (?)|0|rejected|app.user_id=7|",
                                 "DELETE|delete from audited|2|ok|app.user_id=7|",
                                 "TRANSACTION||0|ok|app.user_id=7|committed"});
}

TEST_CASE("a queue is emptied when its owner likes, who may use the cluster meanwhile") {
  auto const cluster = Cluster::connect(wishes());
  auto queue = cluster.events(EventKind::statement, {}, 3);
  for (int i = 0; i < 5; ++i) cluster.query("select 1");
  CHECK(queue.waiting() == 3);
  CHECK(queue.lost() == 2);
  int seen = 0;
  while (auto const event = queue.next()) {
    CHECK(event->operation == "SELECT");
    if (++seen == 1) cluster.query("select 2");
  }
  CHECK(seen == 4);
  CHECK(queue.next() == std::nullopt);
}

TEST_CASE("metrics are Prometheus' text") {
  auto const cluster = Cluster::connect(wishes({{"metrics", "true"}}));
  cluster.query("select 1");
  CHECK_THAT(cluster.metrics(),
             moonpool::test::contains("db_client_operation_duration_seconds_count"));
  CHECK_THAT(cluster.metrics(), moonpool::test::contains("db_operation_name=\"SELECT\""));
}

TEST_CASE("kinds add up") {
  auto const kinds = EventKind::role | EventKind::breaker | EventKind::log;
  CHECK(kinds.has(EventKind::role));
  CHECK(kinds.has(EventKind::log));
  CHECK_FALSE(kinds.has(EventKind::statement));
  CHECK((EventKinds::all() | EventKind::probe).bits() == EventKinds::all().bits());
}

}  // namespace
