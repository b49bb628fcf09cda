#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "cluster/options.hpp"
#include "pool/pool.hpp"

namespace moonpool::cluster {

// What a statement needs of its node. Methods choose, text does not.
enum class Route : std::uint8_t {
  write,  // the primary
  read,   // a replica; the primary when none can serve
};

class Node;

// Leave to try a node, given by its breaker. Settled by what became of the call; dropped unsettled it
// says nothing of the node. Move-only.
class Passage {
 public:
  Passage() = default;
  Passage(Node* node, Route route, policy::Breaker::Permit permit)
      : node_(node), route_(route), permit_(permit) {}
  Passage(Passage&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)), route_(other.route_), permit_(other.permit_) {}
  Passage& operator=(Passage&& other) noexcept {
    if (this != &other) {
      settle(policy::Breaker::Verdict::ignored);
      node_ = std::exchange(other.node_, nullptr);
      route_ = other.route_;
      permit_ = other.permit_;
    }
    return *this;
  }
  ~Passage() { settle(policy::Breaker::Verdict::ignored); }

  explicit operator bool() const { return permit_.granted; }
  Duration retry_after() const { return permit_.retry_after; }
  void settle(policy::Breaker::Verdict verdict) noexcept;
  // By an error: does it speak of the node's health? nullptr is success.
  void settle(Error const* error) noexcept;

 private:
  Node* node_ = nullptr;
  Route route_ = Route::read;
  policy::Breaker::Permit permit_;
};

// One server and its pools. Read connections are opened read-only, so a read is read-only on a
// replica and on the primary alike. Threads: any.
class Node {
 public:
  Node(NodeOptions options, ClusterOptions const& cluster, async::Loop& keeper);

  std::string const& name() const { return name_; }
  Role role() const { return role_; }
  void set_role(Role role) { role_ = role; }

  pool::Pool& writes() const { return *writes_; }
  pool::Pool& reads() const { return *reads_; }
  pool::Pool& pool(Route route) const { return route == Route::write ? *writes_ : *reads_; }

  Passage ask(Route route);
  policy::Breaker::State breaker_state(Route route) const;

  void start();
  void close();
  // See Pool.
  void cancel_leases();
  void cut_leases();
  bool is_empty() const;

 private:
  friend class Passage;
  policy::Breaker& breaker(Route route) const {
    return route == Route::write ? write_breaker_ : read_breaker_;
  }

  std::string const name_;
  std::atomic<Role> role_;
  mutable std::mutex breaker_mutex_;
  mutable policy::Breaker write_breaker_;  // guarded by breaker_mutex_
  mutable policy::Breaker read_breaker_;   // guarded by breaker_mutex_
  std::shared_ptr<pool::Pool> const writes_;
  std::shared_ptr<pool::Pool> const reads_;
};

std::string_view to_string(Role role);
std::string_view to_string(policy::Breaker::State state);

}  // namespace moonpool::cluster
