#pragma once

#include <map>
#include <random>

#include "session/exactly_once.hpp"
#include "support/server/engine.hpp"

namespace moonpool::session::test_support {

// Transactions that lose the answer to their COMMIT in every way there is, each of them resolved, and what was said
// of each of them held against what an independent connection finds.
class LostCommits {
 public:
  explicit LostCommits(unsigned seed) : random_(seed) {
    test::sql("create table " + table_ + " (op int, run int)");
  }

  // One transaction, run again for as long as it is proven undone.
  void lose_one(int op) {
    auto const way = static_cast<Way>(op % kWays);
    for (int run = 1;; ++run) {
      REQUIRE(run <= 3);
      if (attempt(op, run, run == 1 ? way : Way::none)) return;
    }
  }

  // How many of what was told are not so; how many runs there were, and how many of them committed.
  struct Verdict {
    int wrong = 0;
    int runs = 0;
    int committed = 0;
    int faults = 0;
  };
  Verdict audit() const {
    Verdict verdict;
    verdict.faults = faults_;
    for (auto const& [key, told] : told_) {
      auto const count =
          test::sql("select count(*) from " + table_ + " where op = " + std::to_string(key.first) +
                    " and run = " + std::to_string(key.second));
      verdict.wrong += count != (told ? "1" : "0");
      verdict.committed += told;
      ++verdict.runs;
    }
    return verdict;
  }

 private:
  enum class Way { answer, answer_in_parts, commit, held, late, answer_and_fence, none };
  static constexpr int kWays = 6;

  bool attempt(int op, int run, Way way) {
    using test::Act;
    using test::Side;
    auto& proxy = bent_.proxy;
    TransactionOptions options;
    options.exactly_once = true;
    options.attempt = run;
    auto const tx = test::wait(bent_.session->begin(options));
    test::run(*tx, "insert into " + table_ + " values (" + std::to_string(op) + ", " +
                       std::to_string(run) + ")");
    auto const chance = [&](int most) {
      return std::uniform_int_distribution<int>(0, most)(random_);
    };
    std::vector<int> rules;
    int held = 0;
    switch (way) {
      case Way::answer:
        rules.push_back(proxy.add(
            {.side = Side::backend, .type = 'C', .text = "COMMIT", .act = Act::cut_before}));
        break;
      case Way::answer_in_parts:
        rules.push_back(
            proxy.add({.side = Side::backend, .type = "12Z"[chance(2)], .act = Act::cut_before}));
        break;
      case Way::commit:
        rules.push_back(proxy.add({.type = 'P', .text = "COMMIT", .act = Act::cut_before}));
        break;
      case Way::held:
      case Way::late:
        held = proxy.add({.type = 'P', .text = "COMMIT", .act = Act::hold});
        break;
      case Way::answer_and_fence:
        rules.push_back(proxy.add({.side = chance(1) == 0 ? Side::backend : Side::frontend,
                                   .type = 0,
                                   .text = "COMMIT",
                                   .act = Act::cut_before}));
        rules.push_back(proxy.add(
            {.side = Side::backend, .type = 'C', .text = "INSERT", .act = Act::cut_before}));
        break;
      case Way::none:
        break;
    }
    // The original comes late: while nobody waits for it yet, or into the arms of the fence.
    int held_hits = 0;
    std::thread later;
    auto committing = tx;
    if (held != 0) {
      // A deadline that is to pass while COMMIT is held, and nothing before it.
      Habits hasty;
      hasty.timeout = std::chrono::milliseconds(80);
      committing = tx->with(hasty);
      auto const after =
          std::chrono::milliseconds(way == Way::held ? 81 + chance(60) : 60 + chance(40));
      later = std::thread([&proxy, &held_hits, held, after] {
        proxy.wait_for_hits(held);
        std::this_thread::sleep_for(after);
        held_hits = proxy.hits(held);
        proxy.release(held);
      });
    }
    bool committed = true;
    try {
      test::wait(committing->commit());
    } catch (Error const& error) {
      committed = false;
      INFO(error.describe());
      CHECK(error.kind() == ErrorKind::connection);
      CHECK(error.outcome() == Outcome::rejected);
      CHECK(error.retryable());
    }
    if (later.joinable()) later.join();
    faults_ += held_hits;
    for (auto const rule : rules) faults_ += proxy.hits(rule);
    proxy.clear();
    told_[{op, run}] = committed;
    return committed;
  }

  std::mt19937 random_;
  test::Bent bent_;
  std::string const table_ = test::unique("lost");
  std::map<std::pair<int, int>, bool> told_;
  int faults_ = 0;
};

}  // namespace moonpool::session::test_support
