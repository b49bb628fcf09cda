// One connection falls silent while its server is well: what was asked on it, or the answer, is swallowed on the way.
#include <mutex>

#include "faults/ground.hpp"
#include "observe/hub.hpp"
#include "session/lend.hpp"
#include "session/stream.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using cluster::Role;
using cluster::Route;
using test::Act;
using test::ask;
using test::failure_of;
using test::grace;
using test::kRead;
using test::once;
using test::Proxy;
using test::Side;
using test::Stopwatch;
using test::wait;

// Counts the lines that tell of a connection that was given up.
class Hearer final : public observe::Observer {
 public:
  void see(observe::Activity const&) noexcept override {}
  void read(observe::Event const& line) noexcept override {
    if (line.name == "connection.silent") ++silent;
  }
  std::atomic<int> silent{0};
};

Habits patient(Share share = Share::reads) {
  Habits habits;
  habits.timeout = 30s;
  habits.share = share;
  return habits;
}

// The primary, and the replica behind a proxy; looked at often, and impatient.
struct Ground {
  explicit Ground(Duration interval = 100ms, Duration silence = 400ms)
      : Ground(options(interval, silence)) {}
  explicit Ground(cluster::ClusterOptions options)
      : hearer(std::make_shared<Hearer>()),
        proxy(test::socket_of(test::replica())),
        engine({test::node(test::primary(), Role::primary, name),
                test::node(proxy, Role::replica, name)},
               std::move(options)) {
    engine.cluster->hub()->add(hearer, 0, observe::Level::warning);
    // Connected, and known, so that the fault meets a connection in use.
    CHECK(where() == "t");
  }
  static cluster::ClusterOptions options(Duration interval, Duration silence) {
    cluster::ClusterOptions options;
    options.health_interval = interval;
    options.silence = silence;
    options.hub = std::make_shared<observe::Hub>(observe::LogOptions{.level = observe::Level::off});
    return options;
  }
  std::string where() { return ask(*engine.session, "select pg_is_in_recovery()", kRead); }

  std::string const name = test::unique("silence");
  std::shared_ptr<Hearer> const hearer;
  Proxy proxy;
  test::Engine engine;
};

TEST_CASE("a read whose statement was swallowed is answered by another server, in time") {
  for (auto const share : {Share::reads, Share::off}) {
    Ground ground;
    auto const session = ground.engine.session->with(patient(share));
    auto const rule =
        ground.proxy.add({.type = 'P', .text = "swallowed", .nth = 0, .act = Act::blackhole});
    Stopwatch const watch;
    CHECK(ask(*session, "select pg_is_in_recovery(), 'swallowed'", kRead) == "f");
    CHECK(watch.milliseconds() > 400);
    CHECK(watch.milliseconds() < 2'000 + grace());
    CHECK(ground.proxy.hits(rule) == 1);
    CHECK(ground.hearer->silent == 1);
    // The replica is well, and goes on serving.
    CHECK(ground.where() == "t");
  }
}

TEST_CASE("a read whose answer was swallowed, or stopped in the middle, is run again elsewhere") {
  // All of it; or what comes behind its rows.
  for (test::Rule const& rule :
       {test::Rule{.side = Side::backend, .type = '1', .act = Act::blackhole},
        test::Rule{
            .side = Side::backend, .type = 'C', .text = "SELECT 7", .act = Act::blackhole}}) {
    INFO(rule.type);
    Ground ground;
    auto const session = ground.engine.session->with(patient());
    // The looks are prepared by now: whoever is prepared next is ours.
    for (int i = 0; i < 4; ++i) std::this_thread::sleep_for(100ms);
    auto const swallow = ground.proxy.add(rule);
    Stopwatch const watch;
    CHECK(ask(*session, "select 'half' from generate_series(1, 7)", kRead) == "half");
    CHECK(watch.milliseconds() < 2'000 + grace());
    CHECK(ground.proxy.hits(swallow) == 1);
    CHECK(ground.hearer->silent == 1);
  }
}

TEST_CASE("those who share a connection that falls silent are all answered elsewhere") {
  auto options = Ground::options(100ms, 400ms);
  options.pool.max = 2;
  Ground ground(options);
  auto const rule =
      ground.proxy.add({.type = 'P', .text = "shared", .nth = 0, .act = Act::blackhole});
  test::Findings findings;
  Stopwatch const watch;
  // Each connection that they come to is another one that falls silent.
  test::side_by_side(8, findings, [&](int i) {
    auto const own = Session::make(ground.engine.cluster, {});
    auto const word = "shared" + std::to_string(i % 3);
    findings.expect(ask(*own, "select '" + word + "'", kRead) == word, "another answer");
  });
  CHECK(watch.milliseconds() < 12'000 + grace());
  CHECK(ground.proxy.hits(rule) >= 1);
  CHECK(ground.hearer->silent >= 1);
}

TEST_CASE("a read that takes long is left alone, however long the silence") {
  Ground ground(100ms, 200ms);
  auto const ran = ground.proxy.add({.type = 'P', .text = "pg_sleep", .nth = 0, .act = Act::pass});
  for (auto const share : {Share::reads, Share::off}) {
    auto const session = ground.engine.session->with(patient(share));
    CHECK(ask(*session, "select pg_is_in_recovery() from pg_sleep(2)", kRead) == "t");
  }
  CHECK(ground.proxy.hits(ran) == 2);
  CHECK(ground.hearer->silent == 0);
}

TEST_CASE("who is slow to take an answer, or thinks, keeps the connection") {
  Ground ground(100ms, 200ms);
  auto const stream = wait(ground.engine.session->stream(
      test::statement("select i from generate_series(1, 200000) i"), kRead));
  auto const short_one = wait(ground.engine.session->stream(
      test::statement("select i from generate_series(1, 3) i"), kRead));
  auto const lent = wait(ground.engine.session->lend(kRead));
  // A host whose event loop is busy with something else: its answer lies there unread.
  wire::Request request;
  request.push_back(test::statement("select pg_is_in_recovery()"));
  async::Stepper<Answer> stepper(ground.engine.session->run(request, kRead));
  REQUIRE_FALSE(stepper.step());
  auto count = [](Stream& from, std::size_t most) {
    std::size_t rows = 0;
    while (auto const batch = wait(from.next(most))) rows += batch->rows();
    return rows;
  };
  REQUIRE(wait(short_one->next(1)));
  REQUIRE(wait(stream->next(10)));
  std::this_thread::sleep_for(2s);
  CHECK(count(*short_one, 1) == 2);
  CHECK(count(*stream, 0) == 199'990);
  CHECK(lent->raw() != nullptr);
  CHECK_NOTHROW(lent->give_back());
  while (!stepper.step()) async::wait_blocking(stepper.wait());
  CHECK(stepper.take().error() == nullptr);
  CHECK(ground.hearer->silent == 0);
}

TEST_CASE("a write waits for its answer as long as its caller does") {
  test::Bent bent(Ground::options(100ms, 200ms));
  auto const session = bent.session->with(once(1500ms));
  test::run(*session, "create table if not exists silent_write (a int)");
  auto const rule = bent.proxy.add({.type = 'P', .text = "silent_write", .act = Act::blackhole});
  Stopwatch const watch;
  auto const error =
      failure_of([&] { test::run(*session, "insert into silent_write values (1)"); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::timeout);
  CHECK(error->outcome() == Outcome::unknown);
  CHECK(watch.milliseconds() > 1'400);
  CHECK(bent.proxy.hits(rule) == 1);
}

TEST_CASE("nobody is set free where that is not wanted") {
  Ground ground(100ms, 0s);
  auto const rule = ground.proxy.add({.type = 'P', .text = "swallowed", .act = Act::blackhole});
  auto const session = ground.engine.session->with(once(1500ms));
  auto const error = failure_of([&] { ask(*session, "select 'swallowed'", kRead); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::timeout);
  CHECK(ground.proxy.hits(rule) == 1);
  CHECK(ground.hearer->silent == 0);
}

TEST_CASE(
    "with every default a silent connection costs a read some seconds, not its whole timeout") {
  CHECK(cluster::ClusterOptions().silence == 2s);
  Ground ground(cluster::ClusterOptions().health_interval, cluster::ClusterOptions().silence);
  auto const rule = ground.proxy.add({.type = 'P', .text = "swallowed", .act = Act::blackhole});
  Stopwatch const watch;
  CHECK(ask(*ground.engine.session, "select 'swallowed'", kRead) == "swallowed");
  CHECK(watch.milliseconds() < 6'000 + grace());
  CHECK(ground.proxy.hits(rule) == 1);
}

}  // namespace
}  // namespace moonpool::session
