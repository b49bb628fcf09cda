// Where a session's reads go after its writes.
#include "cluster/cluster.hpp"
#include "session/session.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Engine;
using test::kRead;
using test::statement;
using test::wait;

long long number(std::string const& text) { return std::stoll(text); }

// Bytes from the start of the page to where the log ends.
long long page_filled(Session& session) {
  return number(ask(session, "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8 % 8192"));
}

void commit_message(Session& session, long long size) {
  ask(session,
      "select pg_logical_emit_message(true, 'fill', repeat('x', " + std::to_string(size) + "))");
}

// Commits a change that ends exactly with a page.
void fill_a_page(Session& session) {
  constexpr long long kPage = 8192;
  constexpr long long kHeader = 24;
  constexpr long long kMessage = 800;
  for (int i = 0; i < 200; ++i) {
    auto const before = page_filled(session);
    commit_message(session, kMessage);
    auto const after = page_filled(session);
    auto const around = after - before - kMessage;
    auto const room = kPage - after - around;
    if (around < 0 || room < 0 || room > 4000) continue;
    commit_message(session, room);
    if (page_filled(session) == kHeader) return;
  }
  FAIL("no change ended with its page");
}

TEST_CASE("a change that ends with its page of the log is read on the replica at once") {
  // What the server itself writes to its log meanwhile is on its way to the replica as well.
  cluster::ClusterOptions options;
  options.catch_up_wait = 10s;
  Engine const engine(options);
  fill_a_page(*engine.session);
  test::servers().wait_until_replicated();
  wire::Request request;
  request.push_back(statement("select 1"));
  auto const answer = wait(engine.session->run(std::move(request), kRead));
  CHECK(answer.error() == nullptr);
  CHECK(answer.node == "replica1");
}

TEST_CASE("behind a log that ends with a page no replica lags") {
  cluster::ClusterOptions options;
  options.health_interval = 50ms;
  auto const name = test::unique("lag");
  Engine const engine({test::node(test::primary(), cluster::Role::primary, name),
                       test::node(test::replica(), cluster::Role::replica, name)},
                      options);
  fill_a_page(*engine.session);
  test::servers().wait_until_replicated();
  auto const begun = Clock::now();
  CHECK(test::eventually([&] {
    auto const view = engine.cluster->topology();
    auto const& replica = view->nodes[1];
    return replica.at > begun && replica.lag.bytes == 0U;
  }));
}

}  // namespace
}  // namespace moonpool::session
