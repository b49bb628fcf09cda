#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace moonpool::policy {

// A connection whose holder waits for the server to speak, as it looks from here.
struct Awaited {
  void const* connection = nullptr;  // tells one from another
  std::uint64_t beats = 0;  // of what went over it, either way; stands still while nothing does
  int pid = 0;              // of its backend, as the server told it
  TimePoint opened{};
};

// A backend as its server sees it.
struct Backend {
  int pid = 0;
  bool resting = false;  // it waits for its client to say something
  std::string since;     // when it did what it did last, in whatever words; empty: it does not tell
  Duration age{};
};

// Tells a connection that fell silent from a statement that takes long, by asking the server: does it work on
// it? A connection is silent when nothing came over it while the server has been done for `patience`, as looks
// at both have it. What the server does not know for certain is never silent: a backend that is not the
// connection's own (a pooler or another server may be in between) has another age. Pure.
class Silence {
 public:
  explicit Silence(Duration patience) : patience_(patience) {}

  // Whose backends are worth a question: on these nothing has come since the last look.
  std::vector<int> suspects(std::vector<Awaited> const& awaited);
  // With the answer: which connections are silent. They are told once.
  std::vector<void const*> judge(std::vector<Backend> const& backends, TimePoint now);

 private:
  struct Row {
    Awaited seen;
    bool suspect = false;
    std::string since = {};  // the backend's rest, of that age its own; empty: none that we know of
    TimePoint rested_at = {};  // since when we have seen that rest
  };

  Duration const patience_;
  std::map<void const*, Row> rows_;
};

}  // namespace moonpool::policy
