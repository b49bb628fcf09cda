#include "session/context.hpp"

#include "proxy/proxy.hpp"
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
