// A listener across promotions.
#include "session/listen.hpp"

#include "failover/trio.hpp"
#include "support/promptness.hpp"

namespace moonpool::cluster {
namespace {

using namespace std::chrono_literals;
using session::Note;
using test::eventually;
using test::Trio;

using Ear = std::shared_ptr<session::Listener>;

std::optional<Note> next(Ear const& ear, Duration timeout) {
  return test::wait(ear->next(Deadline::in(timeout)));
}

ClusterOptions brisk() {
  ClusterOptions options;
  options.health_interval = 200ms;
  return options;
}

TEST_CASE("the primary dies and another is promoted: it listens there before it tells of the gap") {
  Trio trio(brisk());
  auto const ear = test::wait(trio.session().listen({"orders"}, {}));
  CHECK(ear->node() == "primary");
  trio.servers.primary().query("notify orders, 'before'");
  auto const before = next(ear, 10s);
  REQUIRE(before);
  CHECK(before->payload == "before");
  trio.servers.primary().kill_hard();
  trio.servers.replica(0).promote();
  auto const gap = next(ear, 10s);
  REQUIRE(gap);
  CHECK(gap->gap);
  CHECK(ear->node() == "replica1");
  // At once: it was told when it listened already.
  trio.servers.replica(0).query("notify orders, 'after'");
  auto const after = next(ear, 10s);
  REQUIRE(after);
  CHECK(after->payload == "after");
  CHECK_FALSE(after->gap);
}

TEST_CASE("a primary that was deposed and lives on is left, long before a probe would find out") {
  Trio trio(brisk());
  session::ListenOptions patient;
  patient.probe_every = 60s;
  auto const ear = test::wait(trio.session().listen({"orders"}, patient));
  trio.servers.primary().freeze();
  trio.servers.replica(0).promote();
  CHECK(eventually([&] { return trio.primary() == "replica1"; }));
  trio.servers.primary().thaw();
  test::Stopwatch const watch;
  auto const gap = next(ear, 10s);
  REQUIRE(gap);
  CHECK(gap->gap);
  CHECK(watch.milliseconds() < 5'000 + test::grace());
  CHECK(ear->node() == "replica1");
  trio.servers.primary().query("notify orders, 'from the old one'");
  trio.servers.replica(0).query("notify orders, 'from the new one'");
  auto const after = next(ear, 10s);
  REQUIRE(after);
  CHECK(after->payload == "from the new one");
  CHECK_FALSE(next(ear, 100ms).has_value());
}

TEST_CASE("of numbered notes under load, whatever is missing lies at a gap that was told") {
  // Nobody is given up here but who is gone: the gaps are counted.
  Trio trio(test::unhurried(brisk()));
  session::ListenOptions patient;
  patient.probe_timeout = 30s;
  auto const ear = test::wait(trio.session().listen({"numbers"}, patient));
  std::atomic<bool> stop{false};
  std::atomic<int> sent{0};
  std::thread speaker([&] {
    auto const session = session::Session::make(trio.engine.cluster, {});
    for (int n = 1; !stop; ++n) {
      wire::Request request;
      request.push_back(test::statement("select pg_notify('numbers', $1)", {std::to_string(n)}));
      try {
        auto const answer = test::wait(session->run(std::move(request), {}));
        if (answer.error() == nullptr) sent = n;
      } catch (Error const&) {
        // A note that nobody could be told of.
      }
    }
  });
  int heard = 0;
  int doubled = 0;
  int silent = 0;
  int gaps = 0;
  bool told = true;  // whatever came before the first note is nobody's loss
  auto const take = [&](Note const& note) {
    if (note.gap) {
      ++gaps;
      told = true;
      return;
    }
    int const n = std::stoi(note.payload);
    if (n <= heard) ++doubled;
    if (n > heard + 1 && !told) ++silent;
    heard = n;
    told = false;
  };
  auto const take_until = [&](auto const& enough) {
    auto const deadline = Deadline::in(60s);
    while (!enough() && !deadline.passed()) {
      try {
        if (auto const note = next(ear, 1s)) take(*note);
      } catch (Error const&) {
        // There is no primary at the moment.
      }
    }
    return enough();
  };
  auto const take_more = [&] {
    return take_until([&, wanted = heard + 300] { return heard >= wanted; });
  };
  // Notes of before may be many: what comes after the gap is of the new connection.
  auto const take_past_gap = [&](int number) {
    return take_until([&, number] { return gaps >= number; }) && take_more();
  };
  CHECK(take_more());
  trio.servers.primary().kill_hard();
  trio.servers.replica(0).promote();
  CHECK(take_past_gap(1));
  for (auto const& row : trio.servers.replica(0).query(
           "select pg_terminate_backend(pid) from pg_stat_activity where query ilike "
           "'%clock_timestamp%' and pid <> pg_backend_pid()")) {
    CHECK_FALSE(row.empty());
  }
  CHECK(take_past_gap(2));
  stop = true;
  speaker.join();
  CHECK(gaps == 2);
  CHECK(doubled == 0);
  CHECK(silent == 0);
}

}  // namespace
}  // namespace moonpool::cluster
