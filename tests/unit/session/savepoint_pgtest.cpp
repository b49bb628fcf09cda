#include "support/server/engine.hpp"

namespace moonpool::session {
namespace {

using test::ask;
using test::Engine;
using test::error_of;
using test::sql;
using test::wait;

using Handle = std::shared_ptr<Session>;

struct Case {
  Engine engine;
  std::string table = test::unique("sp");
  Handle tx;
  Case() {
    sql("create table " + table + " (a int unique)");
    tx = wait(engine.session->begin({}));
  }
  Handle nested(Session& outer) const { return wait(outer.begin({})); }
  void insert(Session& session, int value) const {
    test::run(session, "insert into " + table + " values (" + std::to_string(value) + ")");
  }
  // What is there after the whole transaction was committed.
  std::string committed() {
    wait(tx->commit());
    return sql("select coalesce(string_agg(a::text, ' ' order by a), '') from " + table);
  }
};

TEST_CASE("what a nested transaction did is kept, or undone alone") {
  Case c;
  c.insert(*c.tx, 1);
  auto const kept = c.nested(*c.tx);
  c.insert(*kept, 2);
  wait(kept->commit());
  auto const undone = c.nested(*c.tx);
  c.insert(*undone, 3);
  wait(undone->rollback());
  c.insert(*c.tx, 4);
  CHECK(c.committed() == "1 2 4");
}

TEST_CASE("an error inside is undone inside, and the outer transaction goes on") {
  Case c;
  c.insert(*c.tx, 1);
  auto const inner = c.nested(*c.tx);
  c.insert(*inner, 2);
  CHECK(error_of([&] { c.insert(*inner, 1); }).sqlstate() == "23505");
  wait(inner->rollback());
  CHECK(ask(*c.tx, "select count(*) from " + c.table) == "1");
  CHECK(c.committed() == "1");
}

TEST_CASE("committing a nested transaction that had failed undoes it and says so") {
  Case c;
  c.insert(*c.tx, 1);
  auto const inner = c.nested(*c.tx);
  error_of([&] { c.insert(*inner, 1); });
  auto const error = error_of([&] { wait(inner->commit()); });
  CHECK(error.kind() == ErrorKind::transaction);
  CHECK(error.outcome() == Outcome::rejected);
  c.insert(*c.tx, 2);
  CHECK(c.committed() == "1 2");
}

TEST_CASE("nested transactions in which nothing was said leave no trace") {
  Case c;
  wait(c.nested(*c.tx)->commit());
  wait(c.nested(*c.tx)->rollback());
  {
    auto const outer = c.nested(*c.tx);
    wait(c.nested(*outer)->rollback());
    wait(outer->commit());
  }
  c.insert(*c.tx, 1);
  CHECK(c.committed() == "1");
}

TEST_CASE("five deep, each level undone or kept by itself") {
  // Bit n of the pattern: is level n undone? A level is there at the end when it and all around it were kept.
  for (unsigned pattern = 0; pattern < 32; ++pattern) {
    Case c;
    c.insert(*c.tx, 0);
    std::vector<Handle> levels = {c.tx};
    for (int level = 1; level <= 5; ++level) {
      levels.push_back(c.nested(*levels.back()));
      c.insert(*levels.back(), level);
    }
    for (std::size_t level = 5; level >= 1; --level) {
      bool const undo = (pattern >> (level - 1) & 1) != 0;
      wait(undo ? levels[level]->rollback() : levels[level]->commit());
    }
    std::string expected = "0";
    bool there = true;
    for (std::size_t level = 1; level <= 5; ++level) {
      there = there && (pattern >> (level - 1) & 1) == 0;
      if (there) expected += " " + std::to_string(level);
    }
    INFO("pattern " << pattern);
    CHECK(c.committed() == expected);
  }
}

TEST_CASE("rolling an outer level back takes the inner ones with it") {
  Case c;
  c.insert(*c.tx, 1);
  auto const outer = c.nested(*c.tx);
  c.insert(*outer, 2);
  auto const inner = c.nested(*outer);
  c.insert(*inner, 3);
  wait(outer->rollback());
  CHECK(error_of([&] { c.insert(*inner, 4); }).kind() == ErrorKind::transaction);
  CHECK(c.committed() == "1");
}

TEST_CASE("handles out of turn are refused") {
  Case c;
  auto misuse = [&](auto&& call) { CHECK(error_of(call).kind() == ErrorKind::transaction); };
  auto const inner = c.nested(*c.tx);
  misuse([&] { c.insert(*c.tx, 1); });
  misuse([&] { wait(c.tx->commit()); });
  misuse([&] { c.nested(*c.tx); });
  c.insert(*inner, 2);
  wait(inner->commit());
  misuse([&] { c.insert(*inner, 3); });
  misuse([&] { wait(inner->commit()); });
  c.insert(*c.tx, 4);
  CHECK(c.committed() == "2 4");
}

TEST_CASE("a copy of a handle ends with it, also when another nested transaction follows") {
  Case c;
  auto const first = c.nested(*c.tx);
  auto const copy = first->with({});
  c.insert(*copy, 1);
  wait(first->commit());
  auto const second = c.nested(*c.tx);
  wait(copy->rollback());  // of what is over: nothing
  c.insert(*second, 3);
  wait(second->commit());
  CHECK(c.committed() == "1 3");
}

TEST_CASE("rolling back the whole from within is the outer handle's right") {
  Case c;
  c.insert(*c.tx, 1);
  auto const inner = c.nested(*c.tx);
  c.insert(*inner, 2);
  wait(c.tx->rollback());
  CHECK(error_of([&] { c.insert(*inner, 3); }).kind() == ErrorKind::transaction);
  CHECK(sql("select count(*) from " + c.table) == "0");
}

TEST_CASE("a nested handle that is dropped without an end can be rolled back by the outer one") {
  Case c;
  c.insert(*c.tx, 1);
  {
    auto const inner = c.nested(*c.tx);
    c.insert(*inner, 2);
  }
  wait(c.tx->rollback());
  CHECK(sql("select count(*) from " + c.table) == "0");
  CHECK(ask(*c.engine.session, "select 1") == "1");
}

TEST_CASE("user's own savepoints and those of nested transactions do not meet") {
  Case c;
  test::run(*c.tx, "savepoint moonpool_1");
  c.insert(*c.tx, 1);
  auto const inner = c.nested(*c.tx);
  c.insert(*inner, 2);
  wait(inner->rollback());
  test::run(*c.tx, "rollback to savepoint moonpool_1");
  c.insert(*c.tx, 3);
  CHECK(c.committed() == "3");
}

}  // namespace
}  // namespace moonpool::session
