#include "async/operation.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "async/drive_blocking.hpp"
#include "support/catch.hpp"

namespace moonpool::async {
namespace {

using Log = std::vector<std::string>;

// Writes its name when it ends.
struct Local {
  Log& log;
  std::string name;
  Local(Log& to, std::string called) : log(to), name(std::move(called)) {}
  Local(Local const&) = delete;
  Local& operator=(Local const&) = delete;
  ~Local() { log.push_back("~" + name); }
};

Wait nothing() { return {}; }

Operation<int> give(int value) { co_return value; }

Operation<int> give_after(int waits, int value) {
  for (int i = 0; i < waits; ++i) co_await nothing();
  co_return value;
}

Operation<int> logged(Log& log, std::string name, int waits) {
  Local const before(log, name + ".before");
  log.push_back(name);
  for (int i = 0; i < waits; ++i) co_await nothing();
  Local const after(log, name + ".after");
  co_return waits;
}

TEST_CASE("nothing happens before the first step") {
  Log log;
  {
    auto operation = logged(log, "a", 0);
    CHECK(log.empty());
    CHECK(static_cast<bool>(operation));
  }
  CHECK(log.empty());
  Stepper<int> stepper(logged(log, "b", 0));
  CHECK_FALSE(stepper.started());
  CHECK_FALSE(stepper.done());
  CHECK(log.empty());
  CHECK(stepper.step());
  CHECK(log == Log{"b", "~b.after", "~b.before"});
}

TEST_CASE("a stepper goes from wait to wait, and sees what is waited for") {
  auto waits = [](Wait first, Wait second) -> Operation<std::string> {
    auto const one = co_await first;
    auto const two = co_await second;
    co_return std::string(one == Wakeup::ready ? "ready " : "other ") +
        (two == Wakeup::timed_out ? "late" : "other");
  };
  Deadline const at(TimePoint{std::chrono::seconds(5)});
  Stepper<std::string> stepper(
      waits({7, Interest::read, at}, {8, Interest::read_write, Deadline::never()}));
  CHECK_FALSE(stepper.step());
  CHECK(stepper.started());
  CHECK_FALSE(stepper.done());
  CHECK(stepper.wait().fd == 7);
  CHECK(stepper.wait().interest == Interest::read);
  CHECK(stepper.wait().deadline.at() == at.at());
  CHECK_FALSE(stepper.step(Wakeup::ready));
  CHECK(stepper.wait().fd == 8);
  CHECK(stepper.wait().interest == Interest::read_write);
  CHECK(stepper.step(Wakeup::timed_out));
  CHECK(stepper.done());
  CHECK(stepper.take() == "ready late");
}

TEST_CASE("a wait in a child belongs to the whole tree") {
  auto parent = []() -> Operation<int> {
    auto one = give_after(2, 20);
    auto two = give(3);
    int const sum = co_await std::move(one) + co_await std::move(two);
    co_await Wait{9, Interest::write, {}};
    co_return sum;
  };
  Stepper<int> stepper(parent());
  CHECK_FALSE(stepper.step());
  CHECK_FALSE(stepper.step());
  CHECK_FALSE(stepper.step());
  CHECK(stepper.wait().fd == 9);
  CHECK(stepper.step());
  CHECK(stepper.take() == 23);
}

TEST_CASE("an exception ends the operation and comes out of take") {
  auto failing = []() -> Operation<int> {
    co_await nothing();
    throw std::runtime_error("deep down");
  };
  Stepper<int> stepper(failing());
  CHECK_FALSE(stepper.step());
  CHECK(stepper.step());
  CHECK(stepper.done());
  CHECK_THROWS_WITH(stepper.take(), "deep down");
}

TEST_CASE("an exception of a child can be caught by its parent, which goes on") {
  Log log;
  auto child = [](Log& to) -> Operation<void> {
    Local const local(to, "child");
    co_await nothing();
    throw std::runtime_error("of the child");
  };
  auto parent = [&child](Log& to) -> Operation<std::string> {
    try {
      auto running = child(to);
      co_await std::move(running);
    } catch (std::runtime_error const& error) {
      to.push_back(std::string("caught ") + error.what());
    }
    co_await nothing();
    co_return "went on";
  };
  Stepper<std::string> stepper(parent(log));
  while (!stepper.step()) {
  }
  CHECK(stepper.take() == "went on");
  CHECK(log == Log{"~child", "caught of the child"});
}

TEST_CASE("values are moved out, not copied") {
  auto make = []() -> Operation<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
  auto pass = [&make]() -> Operation<std::unique_ptr<int>> {
    auto making = make();
    co_return co_await std::move(making);
  };
  CHECK(*run_blocking(pass()) == 5);
}

TEST_CASE("destroying an operation that waits destroys its locals, the innermost first") {
  Log log;
  auto parent = [](Log& to) -> Operation<int> {
    Local const outer(to, "outer");
    auto child = logged(to, "child", 3);
    Local const later(to, "later");
    co_return co_await std::move(child);
  };
  {
    Stepper<int> stepper(parent(log));
    CHECK_FALSE(stepper.step());
    CHECK_FALSE(stepper.step());
    CHECK(log == Log{"child"});
  }
  CHECK(log == Log{"child", "~later", "~child.before", "~outer"});
}

TEST_CASE("a child that has ended has destroyed its locals before its parent goes on") {
  Log log;
  auto parent = [](Log& to) -> Operation<int> {
    auto child = logged(to, "child", 1);
    int const value = co_await std::move(child);
    to.push_back("parent");
    co_return value;
  };
  Stepper<int> stepper(parent(log));
  CHECK_FALSE(stepper.step());
  CHECK(stepper.step());
  CHECK(log == Log{"child", "~child.after", "~child.before", "parent"});
}

TEST_CASE("an operation is moved, and what was moved from is empty") {
  Log log;
  auto first = logged(log, "first", 0);
  auto second = std::move(first);
  CHECK_FALSE(static_cast<bool>(first));  // NOLINT(bugprone-use-after-move)
  CHECK(static_cast<bool>(second));
  second = logged(log, "other", 0);
  CHECK(run_blocking(std::move(second)) == 0);
  CHECK(log.front() == "other");
}

TEST_CASE("a long run of children that do not wait needs no more stack than one") {
  auto many = [](int count) -> Operation<std::int64_t> {
    std::int64_t sum = 0;
    for (int i = 0; i < count; ++i) {
      auto one = give(1);
      sum += co_await std::move(one);
    }
    co_return sum;
  };
  CHECK(run_blocking(many(1'000'000)) == 1'000'000);
}

Operation<int> nested(int depth, int waits) {
  if (depth == 0) co_return co_await give_after(waits, 0);
  auto inner = nested(depth - 1, waits);
  co_return co_await std::move(inner) + 1;
}

TEST_CASE("operations nest ten thousand deep, through waits, and can be destroyed there") {
  CHECK(run_blocking(nested(10'000, 0)) == 10'000);
  Stepper<int> stepper(nested(10'000, 2));
  CHECK_FALSE(stepper.step());
  CHECK_FALSE(stepper.step());
  CHECK(stepper.step());
  CHECK(stepper.take() == 10'000);
  Log log;
  {
    Stepper<int> abandoned(nested(10'000, 1));
    CHECK_FALSE(abandoned.step());
  }
}

TEST_CASE("operations may be driven by one thread after another") {
  auto parent = []() -> Operation<int> {
    auto child = give_after(3, 7);
    co_return co_await std::move(child);
  };
  Stepper<int> stepper(parent());
  bool done = false;
  while (!done) {
    std::thread([&] { done = stepper.step(); }).join();
  }
  CHECK(stepper.take() == 7);
}

}  // namespace
}  // namespace moonpool::async
