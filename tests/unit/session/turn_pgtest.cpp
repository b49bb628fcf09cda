#include "async/operation.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using async::Stepper;
using test::ask;
using test::Engine;
using test::error_of;
using test::statement;
using test::wait;

wire::Request one(std::string text) {
  wire::Request request;
  request.push_back(statement(std::move(text)));
  return request;
}

void check_refusal(std::function<void()> const& work) {
  auto const error = error_of(work);
  CHECK(error.kind() == ErrorKind::transaction);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK_THAT(error.what(), test::contains("another statement is under way"));
}

TEST_CASE("a transaction runs one statement at a time") {
  Engine engine;
  auto const tx = wait(engine.session->begin({}));
  ask(*tx, "select 1");
  Stepper<Answer> slow(tx->run(one("select 7, pg_sleep(0.3)"), {}));
  REQUIRE_FALSE(slow.step());
  check_refusal([&] { ask(*tx, "select 2"); });
  check_refusal([&] { wait(tx->run_script("select 2; select 3", {})); });
  check_refusal([&] { wait(tx->begin({})); });
  check_refusal([&] { wait(tx->commit()); });
  check_refusal([&] { wait(tx->rollback()); });
  check_refusal([&] { wait(tx->copy_out("copy (select 1) to stdout", {})); });
  check_refusal([&] { ask(*tx->with({}), "select 2"); });
  auto wakeup = async::Wakeup::ready;
  while (!slow.step(wakeup)) wakeup = async::wait_blocking(slow.wait());
  CHECK(test::text_of(std::get<wire::Result>(slow.take().replies.front())) == "7");
  // And nothing of it is left behind.
  CHECK(ask(*tx, "select 2") == "2");
  wait(tx->commit());
}

TEST_CASE("an operation that is given up gives its turn back") {
  Engine engine;
  auto const tx = wait(engine.session->begin({}));
  {
    Stepper<Answer> slow(tx->run(one("select pg_sleep(20)"), {}));
    REQUIRE_FALSE(slow.step());
  }
  auto const error = error_of([&] { ask(*tx, "select 2"); });
  CHECK_THAT(error.what(), !test::contains("another statement"));
  wait(tx->rollback());
}

TEST_CASE("so does a pinned session, while others are free") {
  Habits habits;
  habits.pinned = true;
  Engine engine({}, habits);
  auto const pinned = engine.session;
  ask(*pinned, "select 1");
  Stepper<Answer> slow(pinned->run(one("select pg_sleep(0.2)"), {}));
  REQUIRE_FALSE(slow.step());
  check_refusal([&] { ask(*pinned, "select 2"); });
  check_refusal([&] { wait(pinned->begin({})); });
  CHECK(ask(*Session::make(engine.cluster, {}), "select 3") == "3");
  CHECK(ask(*pinned, "select 4", test::kRead) == "4");
  auto wakeup = async::Wakeup::ready;
  while (!slow.step(wakeup)) wakeup = async::wait_blocking(slow.wait());
  CHECK(ask(*pinned, "select 5") == "5");
}

}  // namespace
}  // namespace moonpool::session
