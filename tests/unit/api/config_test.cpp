#include "api/config.hpp"

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool::api {
namespace {

using namespace std::chrono_literals;

std::string refusal(Config& config, std::string_view key, std::string const& value) {
  try {
    config.set(key, value);
    return "";
  } catch (Error const& error) {
    CHECK(error.kind() == ErrorKind::config);
    return error.message();
  }
}

TEST_CASE("values arrive where they belong") {
  Config config;
  config.set("primary", "host=a");
  config.set("pool.max", "7");
  config.set("pool.min", "2");
  config.set("pool.acquire_timeout", "250ms");
  config.set("pool.max_lifetime", "1h");
  config.set("timeout", "2s");
  config.set("pinned", "true");
  config.set("statement_cache", "0");
  auto const options = config.cluster_options();
  CHECK(options.pool.max == 7);
  CHECK(options.pool.min == 2);
  CHECK(options.pool.acquire_timeout == 250ms);
  CHECK(options.pool.max_lifetime == 1h);
  CHECK(options.pool.statement_cache == 0);
  CHECK(config.habits().timeout == 2s);
  CHECK(config.habits().pinned);
}

TEST_CASE("every wrong value is refused with its key, what came and what is right") {
  Config config;
  struct Case {
    char const* key;
    char const* value;
  };
  for (auto const& [key, value] : {Case{"pool.max", "0"},
                                   {"pool.max", "-1"},
                                   {"pool.max", "1.5"},
                                   {"pool.max", ""},
                                   {"pool.max", "8x"},
                                   {"pool.max", "99999999999999999999"},
                                   {"pool.min", "-1"},
                                   {"pool.acquire_timeout", "soon"},
                                   {"pool.acquire_timeout", "0"},
                                   {"pool.acquire_timeout", "-1s"},
                                   {"timeout", "0s"},
                                   {"pinned", "yes"},
                                   {"pinned", ""},
                                   {"pool.max_waiters", "0"},
                                   {"retry.attempts", "0"},
                                   {"retry.budget", "-1"},
                                   {"retry.ratio", "1.5"},
                                   {"retry.ratio", "10%"},
                                   {"breaker.failure_rate", "-0.1"},
                                   {"breaker.slow_rate", "nan"},
                                   {"breaker.min_calls", "0"}}) {
    INFO(key << " = " << value);
    auto const message = refusal(config, key, value);
    CHECK_THAT(message, test::contains(key));
    CHECK_THAT(message, test::contains(std::string("'") + value + "'"));
  }
}

TEST_CASE("an unknown key is refused, with the nearest known one") {
  Config config;
  CHECK_THAT(refusal(config, "pool.mox", "1"), test::contains("did you mean 'pool.max'?"));
  CHECK_THAT(refusal(config, "timeuot", "1"), test::contains("did you mean 'timeout'?"));
  CHECK(refusal(config, "zebra", "1").find("did you mean") == std::string::npos);
  CHECK_FALSE(refusal(config, "", "1").empty());
  CHECK_FALSE(refusal(config, "POOL.MAX", "1").empty());
}

TEST_CASE("a value that was refused changes nothing") {
  Config config;
  config.set("primary", "host=a");
  config.set("pool.max", "7");
  refusal(config, "pool.max", "zero");
  refusal(config, "primary", "nonsense");
  auto const options = config.cluster_options();
  CHECK(options.pool.max == 7);
  CHECK(options.nodes.front().info.get("host") == "a");
}

TEST_CASE("a connection string that cannot be read is not repeated") {
  Config config;
  auto const message = refusal(config, "primary", "host=a password=CANARY oops");
  CHECK_THAT(message, test::contains("primary"));
  CHECK(message.find("CANARY") == std::string::npos);
}

TEST_CASE("a primary and replicas have roles and names, other nodes find theirs") {
  Config config;
  config.set("primary", "host=a");
  config.set("replicas", "host=b");
  config.set("replicas", "host=c");
  config.set("nodes", "host=d port=1");
  auto const nodes = config.cluster_options().nodes;
  REQUIRE(nodes.size() == 4);
  CHECK(nodes[0].role == cluster::Role::primary);
  CHECK(nodes[0].name == "primary");
  CHECK(nodes[1].role == cluster::Role::replica);
  CHECK(nodes[1].name == "replica-1");
  CHECK(nodes[2].name == "replica-2");
  CHECK(nodes[3].role == cluster::Role::unknown);
}

TEST_CASE("one string may name several hosts") {
  Config config;
  config.set("dsn", "host=a,b port=1,2 dbname=d");
  auto const nodes = config.cluster_options().nodes;
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].info.get("host") == "a");
  CHECK(nodes[1].info.get("host") == "b");
  CHECK(nodes[1].info.get("port") == "2");
  CHECK(nodes[0].role == cluster::Role::unknown);
}

TEST_CASE("what a connection string asks of its servers holds for the whole cluster") {
  using cluster::Audience;
  auto audience = [](std::string const& dsn) {
    Config config;
    config.set("dsn", dsn);
    auto const options = config.cluster_options();
    // libpq itself must not refuse a server that is only to be looked at.
    for (auto const& node : options.nodes) CHECK(node.info.get("target_session_attrs") == "any");
    return options.audience;
  };
  CHECK(audience("host=a,b") == Audience::any);
  CHECK(audience("host=a,b target_session_attrs=any") == Audience::any);
  CHECK(audience("host=a,b target_session_attrs=prefer-standby") == Audience::any);
  CHECK(audience("host=a,b target_session_attrs=read-write") == Audience::primary);
  CHECK(audience("postgresql://a,b/d?target_session_attrs=primary") == Audience::primary);
  CHECK(audience("host=a,b target_session_attrs=read-only") == Audience::standby);
  CHECK(audience("host=a,b target_session_attrs=standby") == Audience::standby);
  CHECK_THROWS_AS(audience("host=a target_session_attrs=master"), Error);
}

TEST_CASE("the budget and the breaker's rates arrive") {
  Config config;
  config.set("primary", "host=a");
  config.set("retry.budget", "0");
  config.set("retry.ratio", "0.25");
  config.set("breaker.min_calls", "7");
  config.set("breaker.failure_rate", "0.9");
  config.set("breaker.slow_call", "2s");
  config.set("breaker.slow_rate", "1");
  auto const options = config.cluster_options();
  CHECK(options.budget.tokens == 0);
  CHECK(options.budget.ratio == 0.25);
  CHECK(options.breaker.min_calls == 7);
  CHECK(options.breaker.failure_rate == 0.9);
  CHECK(options.breaker.slow_call == 2s);
  CHECK(options.breaker.slow_rate == 1);
}

TEST_CASE("what does not fit together is refused when connecting") {
  Config config;
  config.set("replicas", "host=b");
  CHECK_THROWS_AS(config.cluster_options(), Error);
  config.set("primary", "host=a");
  config.set("pool.max", "2");
  config.set("pool.min", "3");
  CHECK_THROWS_AS(config.cluster_options(), Error);
}

TEST_CASE("a time limit for statements joins the options that are there") {
  Config config;
  config.set("primary", "host=a options='-c work_mem=1MB'");
  config.set("statement_timeout", "1500ms");
  auto const options = config.cluster_options().nodes.front().info.get("options");
  CHECK_THAT(options, test::contains("-c work_mem=1MB"));
  CHECK_THAT(options, test::contains("statement_timeout=1500"));
}

TEST_CASE(
    "without servers the environment names them, MOONPOOL_DSN before DATABASE_URL before libpq's") {
  for (auto const* name :
       {"MOONPOOL_DSN", "MOONPOOL_PRIMARY", "DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGSERVICE"}) {
    unsetenv(name);
  }
  Config const config;
  CHECK_FALSE(config.names_servers());
  auto host = [&] { return config.cluster_options().nodes.front().info.get("host"); };
  setenv("PGHOST", "from.libpq", 1);
  CHECK(host() == "from.libpq");
  setenv("DATABASE_URL", "postgresql://from.url/d", 1);
  CHECK(host() == "from.url");
  setenv("MOONPOOL_DSN", "postgresql://from.dsn/d", 1);
  CHECK(host() == "from.dsn");
  setenv("MOONPOOL_DSN", "nonsense CANARY", 1);
  try {
    host();
    FAIL_CHECK("was read");
  } catch (Error const& error) {
    CHECK_THAT(error.message(), test::contains("MOONPOOL_DSN"));
    CHECK(error.describe().find("CANARY") == std::string::npos);
  }
  for (auto const* name : {"MOONPOOL_DSN", "DATABASE_URL", "PGHOST"}) unsetenv(name);
}

}  // namespace
}  // namespace moonpool::api
