#include "wire/statement_cache.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <string>

#include "support/catch.hpp"

namespace moonpool::wire {
namespace {

using Advice = StatementCache::Advice;

TEST_CASE("a text that comes again is prepared, then run by its name") {
  StatementCache cache(10);
  CHECK(cache.plan("a").advice == Advice::run_plain);
  auto const second = cache.plan("a");
  CHECK(second.advice == Advice::prepare);
  CHECK_FALSE(second.name.empty());
  auto const third = cache.plan("a");
  CHECK(third.advice == Advice::run_named);
  CHECK(third.name == second.name);
  CHECK(cache.hits() == 1);
  CHECK(cache.misses() == 2);
}

TEST_CASE("without room everything is run plain") {
  StatementCache cache(0);
  for (int i = 0; i < 3; ++i) CHECK(cache.plan("a").advice == Advice::run_plain);
  CHECK(cache.size() == 0);
}

TEST_CASE("the one not used for longest makes room, and its name is given up once") {
  StatementCache cache(2);
  cache.plan("a");
  auto const name = cache.plan("a").name;
  cache.plan("b");
  cache.plan("a");
  CHECK(cache.take_evicted().empty());
  cache.plan("c");
  CHECK(cache.plan("a").advice == Advice::run_named);
  cache.plan("d");
  cache.plan("e");
  CHECK(cache.take_evicted() == std::vector<std::string>{name});
  CHECK(cache.take_evicted().empty());
  CHECK(cache.size() == 2);
}

TEST_CASE("what was forgotten gets another name") {
  StatementCache cache(4);
  cache.plan("a");
  auto const first = cache.plan("a").name;
  cache.forget(first);
  CHECK(cache.plan("a").advice == Advice::run_plain);
  CHECK(cache.plan("a").name != first);
  cache.forget("never known");
}

TEST_CASE("after clear() nothing is known and no name comes again") {
  StatementCache cache(4);
  cache.plan("a");
  auto const first = cache.plan("a").name;
  cache.clear();
  CHECK(cache.size() == 0);
  CHECK(cache.take_evicted().empty());
  CHECK(cache.plan("a").advice == Advice::run_plain);
  CHECK(cache.plan("a").name != first);
}

// What the server would know, if it did as it was told.
TEST_CASE(
    "only names that the server knows are run, and it never knows more than there is room for") {
  CHECK(rc::check("random texts", [] {
    auto const capacity = *rc::gen::inRange<std::size_t>(1, 5);
    StatementCache cache(capacity);
    std::map<std::string, std::string> server;  // name to text
    std::set<std::string> used;
    for (auto const step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40))) {
      if (step >= 36) {
        if (step == 36) {
          cache.clear();
          server.clear();
        } else if (!server.empty()) {
          cache.forget(server.begin()->first);
          server.erase(server.begin());
        }
        continue;
      }
      auto const key = std::string(1, static_cast<char>('a' + step % 7));
      auto const plan = cache.plan(key);
      for (auto const& name : cache.take_evicted()) RC_ASSERT(server.erase(name) == 1U);
      if (plan.advice == Advice::prepare) {
        RC_ASSERT(used.insert(plan.name).second);
        server[plan.name] = key;
      } else if (plan.advice == Advice::run_named) {
        RC_ASSERT(server.at(plan.name) == key);
      }
      RC_ASSERT(cache.size() <= capacity);
      RC_ASSERT(server.size() <= capacity);
    }
  }));
}

}  // namespace
}  // namespace moonpool::wire
