#include "policy/silence.hpp"

#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1000s};
int const kOne = 1;
int const kTwo = 2;

// One that was opened a minute before the start.
Awaited awaited(std::uint64_t beats, void const* connection = &kOne, int pid = 77) {
  return {connection, beats, pid, kStart - 60s};
}

Backend backend(std::string since, TimePoint now, int pid = 77) {
  return {pid, !since.empty(), since, now - kStart + 60s + 20ms};
}

TEST_CASE("a connection is silent when the server has been done for so long and nothing came") {
  Silence silence(2s);
  CHECK(silence.suspects({awaited(5)}).empty());
  for (auto at : {1s, 2s}) {
    CHECK(silence.suspects({awaited(5)}) == std::vector<int>{77});
    CHECK(silence.judge({backend("noon", kStart + at)}, kStart + at).empty());
  }
  CHECK(silence.suspects({awaited(5)}) == std::vector<int>{77});
  CHECK(silence.judge({backend("noon", kStart + 3s)}, kStart + 3s) ==
        std::vector<void const*>{&kOne});
  // Told once.
  CHECK(silence.suspects({awaited(5)}).empty());
}

TEST_CASE("a statement that takes long is left alone for as long as the server works on it") {
  Silence silence(2s);
  for (auto at = 0s; at < 1000s; at += 1s) {
    silence.suspects({awaited(5)});
    CHECK(silence.judge({backend("", kStart + at)}, kStart + at).empty());
  }
}

TEST_CASE("what comes, goes, or begins anew breaks the silence") {
  Silence silence(2s);
  silence.suspects({awaited(5)});
  auto look = [&, at = kStart](std::uint64_t beats, std::string const& since) mutable {
    at += 1s;
    silence.suspects({awaited(beats)});
    return !silence.judge({backend(since, at)}, at).empty();
  };
  for (std::uint64_t beats = 5; beats < 20; ++beats) CHECK_FALSE(look(beats, "noon"));
  for (int i = 0; i < 20; ++i) CHECK_FALSE(look(19, "rest " + std::to_string(i)));
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(look(19, "late"));
    CHECK_FALSE(look(19, "late"));
    CHECK_FALSE(look(19, ""));
  }
  silence.suspects({});
  CHECK_FALSE(look(19, "late"));
  CHECK_FALSE(look(19, "late"));
  CHECK_FALSE(look(19, "late"));
  CHECK(look(19, "late"));
}

TEST_CASE("a backend of another age is another's, and one that is not there says nothing") {
  auto judged = [](Duration off, int pid) {
    Silence silence(2s);
    bool silent = false;
    for (auto at = 0s; at < 10s; at += 1s) {
      silence.suspects({awaited(5)});
      auto told = backend("noon", kStart + at, pid);
      told.age += off;
      silent = silent || !silence.judge({told}, kStart + at).empty();
    }
    return silent;
  };
  CHECK(judged(0s, 77));
  CHECK(judged(10s, 77));
  CHECK_FALSE(judged(20s, 77));
  CHECK_FALSE(judged(-5s, 77));
  CHECK_FALSE(judged(0s, 78));
}

TEST_CASE("a server that does not tell what its backends do frees nobody") {
  Silence silence(2s);
  for (auto at = 0s; at < 10s; at += 1s) {
    silence.suspects({awaited(5)});
    CHECK(silence.judge({{77, true, "", at + 60s}}, kStart + at).empty());
    CHECK(silence.judge({}, kStart + at).empty());
  }
}

TEST_CASE("connections are told apart") {
  Silence silence(2s);
  auto const both = [](std::uint64_t beats) {
    return std::vector<Awaited>{awaited(beats, &kOne, 77), awaited(5, &kTwo, 78)};
  };
  silence.suspects(both(1));
  for (auto at = 1s; at <= 2s; at += 1s) {
    CHECK(silence.suspects(both(static_cast<std::uint64_t>(at.count() + 1))) ==
          std::vector<int>{78});
    silence.judge({backend("noon", kStart + at, 77), backend("noon", kStart + at, 78)},
                  kStart + at);
  }
  silence.suspects(both(9));
  CHECK(silence.judge({backend("noon", kStart + 3s, 77), backend("noon", kStart + 3s, 78)},
                      kStart + 3s) == std::vector<void const*>{&kTwo});
}

}  // namespace
}  // namespace moonpool::policy
