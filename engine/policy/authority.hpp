#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/position.hpp"

namespace moonpool::policy {

// What a server said of itself.
struct Sighting {
  bool standby = false;
  bool writable = true;  // not default_transaction_read_only
  // Where it is in its history. lsn: a primary's last change, the last one a standby has applied. A
  // server that does not tell leaves system and timeline 0.
  Position position;
  std::string instance;  // one run of one server; two addresses may lead to the same
};

// Why a server that takes itself for a primary is not written to.
enum class Refusal : std::uint8_t {
  none,
  foreign_system,  // another database system: a different cluster behind this address
  old_timeline,    // somebody was promoted past it: what it takes now would be lost
  split_brain,     // two primaries on one timeline: nobody can say which is the right one
  read_only,       // a primary that refuses writes
};
std::string_view to_string(Refusal refusal);

// One node, as far as it is known.
struct Claim {
  bool alive = false;
  std::optional<Sighting> seen;  // the last one, also of a node that is not alive
  bool told = false;             // the configuration calls it the primary
};

struct Verdict {
  std::optional<std::size_t> primary;
  std::vector<Refusal> refusals;  // by node; none for those that are not alive
};

// Says who is the primary: not in recovery, of this cluster's database system, on the highest timeline
// ever seen, and alone in that. Remembers the system and the timeline: nothing but a new cluster makes it
// go back to a lower one. Pure but for that memory. Not thread-safe.
class Authority {
 public:
  // `settled`: every node was asked once. The database system is fixed then, and not before: it is that
  // of the node which is called the primary, else that of most nodes, else of the first.
  Verdict judge(std::span<Claim const> claims, bool settled);

  std::uint64_t system() const { return system_; }
  std::uint32_t timeline() const { return timeline_; }

 private:
  std::uint64_t system_ = 0;
  std::uint32_t timeline_ = 0;
  bool fixed_ = false;
};

}  // namespace moonpool::policy
