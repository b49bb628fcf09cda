#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "session/session.hpp"
#include "support/promptness.hpp"
#include "support/sanitized.hpp"
#include "support/server/engine.hpp"

namespace moonpool::test {

inline session::Habits once(Duration timeout = std::chrono::seconds(20)) {
  return {.timeout = timeout, .retry = {.attempts = 1}};
}

inline pool::PoolStats writes(cluster::Cluster const& cluster, std::size_t node = 0) {
  return cluster.stats()[node].writes;
}

// Nothing is under way: every connection rests, none is lost track of.
inline bool at_rest(cluster::Cluster const& cluster, Duration limit = std::chrono::seconds(15)) {
  return eventually(
      [&] {
        for (auto const& node : cluster.stats()) {
          for (auto const& stats : {node.writes, node.reads}) {
            if (stats.busy + stats.connecting + stats.closing + stats.waiting != 0) return false;
          }
        }
        return true;
      },
      limit);
}

inline std::size_t taken(pool::PoolStats const& stats) {
  return stats.idle + stats.busy + stats.connecting + stats.closing;
}

// The error of a call, if it had one. For threads, where the test framework's own macros may not be used.
template <class Call>
std::optional<Error> failure_of(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error;
  }
  return std::nullopt;
}

// What threads found wrong; told when they have ended.
class Findings {
 public:
  Findings() = default;
  ~Findings() {
    for (auto const& finding : findings_) UNSCOPED_INFO(finding);
    CHECK(findings_.empty());
  }
  Findings(Findings const&) = delete;
  Findings& operator=(Findings const&) = delete;

  void expect(bool holds, std::string const& what) {
    if (holds) return;
    std::lock_guard const lock(mutex_);
    findings_.push_back(what);
  }
  void expect(bool holds, std::string const& what, std::optional<Error> const& error) {
    if (!holds) expect(false, what + ": " + (error ? error->describe() : "no error"));
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> findings_;
};

// Several callers at once, each on a thread of its own. What they throw is a finding.
template <class Work>
void side_by_side(int callers, Findings& findings, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([i, &work, &findings] {
      if (auto const error = failure_of([&] { work(i); })) {
        findings.expect(false, "thrown: " + error->describe());
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

// The next user of every connection meets a session as it was born: nobody's settings, nobody's open
// transaction, nobody's locks, and nobody else's answers.
inline void check_clean(session::Session& session, int times = 3) {
  for (int i = 0; i < times; ++i) {
    auto const token = unique("clean");
    auto const seen = ask(session, "select concat_ws(' ', '" + token +
                                       "', current_setting('work_mem'), (select count(*) from "
                                       "pg_locks where locktype = 'advisory' and pid = "
                                       "pg_backend_pid()), pg_current_xact_id_if_assigned())");
    CHECK(seen == token + " 4MB 0");
  }
}

}  // namespace moonpool::test
