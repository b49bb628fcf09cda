#include "observe/log.hpp"

#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace moonpool::observe {
namespace {

struct SinkScope {
  explicit SinkScope(Sink sink) { set_sink(std::move(sink)); }
  ~SinkScope() { set_sink({}); }
};

TEST_CASE("the host's sink gets every event as it is") {
  std::vector<std::string> seen;
  SinkScope const scope([&](Event const& event) {
    seen.push_back(std::string(event.name) + "/" + event.message + "/" + event.fields.at(0).second);
  });
  log({Level::warning, "pool.leak", "held for long", {{"node", "replica-1"}}});
  log({Level::debug, "pool.open", "one more", {{"node", "primary"}}});
  CHECK(seen == std::vector<std::string>{"pool.leak/held for long/replica-1",
                                         "pool.open/one more/primary"});
}

TEST_CASE("a sink is called one event at a time") {
  int inside = 0;
  int most = 0;
  int count = 0;
  {
    SinkScope const scope([&](Event const&) {
      most = std::max(most, ++inside);
      ++count;
      --inside;
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 500; ++i) log({Level::info, "test", "", {}});
      });
    }
    for (auto& thread : threads) thread.join();
  }
  CHECK(count == 2000);
  CHECK(most == 1);
}

TEST_CASE("without a sink an event below the level is dropped, and none is lost on the way") {
  set_sink({});
  CHECK_NOTHROW(
      log({Level::debug, "quiet", "nobody sees this", {{"field", "with \"quotes\" and\nlines"}}}));
}

}  // namespace
}  // namespace moonpool::observe
