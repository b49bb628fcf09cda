#include "session/context.hpp"

#include <array>
#include <random>

#include "proxy/proxy.hpp"
#include "session/stream.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using test::ask;
using test::Bent;
using test::Engine;
using test::error_of;
using test::sql;
using test::wait;

constexpr char kWho[] =
    "select current_user || '/' || coalesce(current_setting('app.user_id', true), '')";

Habits under(std::string const& role, std::string const& user) {
  Habits habits;
  habits.context.set("role", role);
  habits.context.set("app.user_id", user);
  return habits;
}

std::string a_role() {
  static std::string const name = [] {
    auto const made = test::unique("laid_on");
    sql("create role " + made);
    return made;
  }();
  return name;
}

cluster::ClusterOptions one_connection() {
  cluster::ClusterOptions options;
  options.pool.max = 1;
  return options;
}

TEST_CASE(
    "a statement runs under its context, and the next user of the connection finds nothing of it") {
  Engine engine(one_connection());
  auto const laid = engine.session->with(under(a_role(), "7"));
  auto const plain = ask(*engine.session, kWho);
  for (int i = 0; i < 3; ++i) {
    CHECK(ask(*laid, kWho) == a_role() + "/7");
    CHECK(ask(*engine.session, kWho) == plain);
  }
  CHECK(ask(*laid, kWho, test::kRead) == a_role() + "/7");
  CHECK(ask(*engine.session, kWho, test::kRead) == plain);
}

TEST_CASE("also when it fails, is cancelled, or its server process is killed") {
  Engine engine(one_connection());
  auto const laid = engine.session->with(under(a_role(), "8"));
  auto const plain = ask(*engine.session, kWho);
  for (auto const* text : {"select 1/0", "select nope", "select pg_sleep(5)",
                           "select pg_terminate_backend(pg_backend_pid())", "set role none",
                           "set app.user_id = '666'", "reset role"}) {
    INFO(text);
    try {
      ask(*laid, text, {.timeout = std::chrono::milliseconds(300)});
    } catch (Error const&) {
      // What becomes of it is not the question here.
    }
    CHECK(ask(*engine.session, kWho) == plain);
    CHECK(ask(*laid, kWho) == a_role() + "/8");
  }
}

// Every way a call can end, drawn at random on a pool of two connections, by callers with different contexts and one
// without. An independent look at each pooled connection, by the server's own words, finds nothing of theirs.
TEST_CASE("hostile interleavings leave nothing of a context on a pooled connection") {
  auto const seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  cluster::ClusterOptions options;
  options.pool.max = 2;
  // Both may be on their way back at once, and that takes long where the machine is slow.
  options.pool.acquire_timeout = std::chrono::seconds(25);
  Bent bent(options);
  auto const role = a_role();
  auto const laid =
      std::array{bent.session->with(under(role, "11")), bent.session->with(under(role, "22"))};
  auto const plain = ask(*bent.session, kWho);
  auto const pick = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
  constexpr char kSleep[] = "select pg_sleep(0.05)";
  for (int i = 0; i < 150; ++i) {
    auto& session = *laid[static_cast<std::size_t>(pick(1))];
    auto const how = pick(9);
    INFO("round " << i << ", way " << how);
    try {
      switch (how) {
        case 0:
          ask(session, "select 1/0");
          break;
        case 1:
          ask(session, kSleep, {.timeout = std::chrono::milliseconds(10)});
          break;
        case 2:
          ask(session, "select pg_terminate_backend(pg_backend_pid())");
          break;
        case 3: {  // begun and dropped in the middle
          wire::Request request;
          request.push_back(test::statement(kSleep));
          async::Stepper<Answer> stepper(session.run(std::move(request), {}));
          stepper.step(async::Wakeup::ready);
          break;
        }
        case 4: {  // a transaction that is forgotten, after an error or not
          auto const tx = wait(session.begin({}));
          test::run_all(*tx, {kWho, pick(1) == 0 ? "select 1" : "select 1/0"});
          break;
        }
        case 5: {
          auto const tx = wait(session.begin({}));
          auto const inner = wait(tx->begin({}));
          test::run_all(*inner, {"set local role none", "select 1/0"});
          wait(inner->rollback());
          wait(tx->commit());
          break;
        }
        case 6:
          bent.proxy.add({.side = pick(1) == 0 ? test::Side::frontend : test::Side::backend,
                          .type = 0,
                          .nth = 1 + pick(6),
                          .act = test::Act::cut_after});
          ask(session, kWho);
          break;
        case 7:
          test::run_all(session, {kWho, "select 1/0", kWho},
                        pick(1) == 0 ? test::kAtomic : RunOptions());
          break;
        case 8: {
          auto const stream = wait(session.stream(
              test::statement("select current_user, i from generate_series(1, 100000) i"), {}));
          wait(stream->next(1));
          break;
        }
        default:
          CHECK(ask(session, kWho).starts_with(role + "/"));
      }
    } catch (Error const&) {
      // What becomes of it is not the question here.
    }
    bent.proxy.clear();
    CHECK(ask(*bent.session, kWho) == plain);
  }
  // Both connections at once, asked by transactions without a context.
  auto const one = wait(bent.session->begin({}));
  auto const two = wait(bent.session->begin({}));
  CHECK(ask(*one, "select pg_backend_pid()") != ask(*two, "select pg_backend_pid()"));
  for (auto const& tx : {one, two}) {
    CHECK(ask(*tx, kWho) == plain);
    CHECK(ask(*tx, "select current_setting('role')") == "none");
    wait(tx->rollback());
  }
}

TEST_CASE("a transaction and a group run under it as a whole") {
  Engine engine(one_connection());
  auto const laid = engine.session->with(under(a_role(), "it's \\ 9"));
  auto const plain = ask(*engine.session, kWho);
  {
    auto const tx = wait(laid->begin({}));
    CHECK(ask(*tx, kWho) == a_role() + "/it's \\ 9");
    auto const savepoint = wait(tx->begin({}));
    CHECK_THROWS_AS(ask(*savepoint, "select 1/0"), Error);
    wait(savepoint->rollback());
    CHECK(ask(*tx, kWho) == a_role() + "/it's \\ 9");
    CHECK_THROWS_AS(tx->with(under(a_role(), "10")), Error);
    CHECK(ask(*tx->with(tx->habits()), kWho) == a_role() + "/it's \\ 9");
    wait(tx->commit());
  }
  for (bool const atomic : {false, true}) {
    auto const answer = test::run_all(*laid, {kWho, "select 1", kWho}, {.atomic = atomic});
    REQUIRE(answer.replies.size() == 3);
    CHECK(test::text_of(std::get<wire::Result>(answer.replies[2])) == a_role() + "/it's \\ 9");
  }
  CHECK(ask(*engine.session, kWho) == plain);
}

TEST_CASE("a role that is not there is the error of the statement, and nothing ran") {
  Engine engine(one_connection());
  auto const laid = engine.session->with(under("nobody_of_that_name", "1"));
  auto const error = error_of([&] { ask(*laid, "select 1"); });
  CHECK(error.sqlstate() == "22023");
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(error.query() == "select 1");
  auto const answer = test::run_all(*laid, {"select 1", "select 2"});
  REQUIRE(answer.replies.size() == 2);
  for (auto const& reply : answer.replies) CHECK(std::get<Error>(reply).sqlstate() == "22023");
}

TEST_CASE("it costs no round trip, and statements stay prepared") {
  Habits habits = under(a_role(), "7");
  Bent bent(one_connection(), habits);
  for (int i = 0; i < 3; ++i) ask(*bent.session, kWho);  // what comes again is prepared
  bent.proxy.patience(std::chrono::milliseconds(8));
  bent.proxy.reset_round_trips();
  bent.proxy.clear_log();
  for (int i = 0; i < 5; ++i) ask(*bent.session, kWho);
  CHECK(bent.proxy.round_trips() == 5);
  // Nothing is parsed again, and no DISCARD ALL rides ahead.
  CHECK_THAT(to_string(bent.proxy.log()), !test::contains("frontend Parse"));
}

TEST_CASE("COPY and scripts take it inside a transaction only") {
  Engine engine(one_connection());
  auto const laid = engine.session->with(under(a_role(), "7"));
  CHECK(error_of([&] { wait(laid->run_script("select 1; select 2", {})); }).kind() ==
        ErrorKind::usage);
  CHECK(error_of([&] { wait(laid->copy_out("copy (select 1) to stdout", {})); }).kind() ==
        ErrorKind::usage);
  CHECK(error_of([&] { wait(laid->copy_in("copy t from stdin", {})); }).kind() == ErrorKind::usage);
  CHECK(error_of([&] { wait(laid->lend({})); }).kind() == ErrorKind::usage);
  auto const tx = wait(laid->begin({}));
  wait(tx->run_script("select 1; select 2", {}));
  CHECK(ask(*tx, kWho) == a_role() + "/7");
  wait(tx->rollback());
}

}  // namespace
}  // namespace moonpool::session
