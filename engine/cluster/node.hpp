#pragma once

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

// What a connection is for; each purpose has a pool of its own.
enum class Purpose : std::uint8_t {
  write,
  read,
  fallback,  // reads on the primary that found no replica: few, so that they do not starve the rest
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
  void settle(policy::Breaker::Verdict verdict, Duration took = Duration::zero()) noexcept;
  // By an error: does it speak of the node's health? nullptr is success.
  // `took`: how long the node took to answer.
  void settle(Error const* error, Duration took = Duration::zero()) noexcept;

 private:
  Node* node_ = nullptr;
  Route route_ = Route::read;
  policy::Breaker::Permit permit_;
};

// One server: its pools and breakers. Read connections are opened read-only, so a read is read-only on
// a replica and on the primary alike. Threads: any.
class Node {
 public:
  Node(NodeOptions options, ClusterOptions const& cluster, std::size_t index, async::Loop& keeper);

  std::string const& name() const { return name_; }
  std::size_t index() const { return index_; }
  wire::Conninfo const& info() const { return info_; }
  std::shared_ptr<observe::Hub> const& hub() const { return hub_; }

  pool::Pool& pool(Purpose purpose) const;
  pool::Pool& writes() const { return *writes_; }
  pool::Pool& reads() const { return *reads_; }
  pool::Pool& fallback() const { return *fallback_; }
  // Reads under way and waiting.
  std::size_t reads_in_flight() const;

  Passage ask(Route route);
  // In spite of an open breaker: where breakers would leave too few.
  Passage insist(Route route);
  policy::Breaker::State breaker_state(Route route) const;
  // A probe was answered: an open breaker lets somebody try before its time.
  void hint_alive();
  // Starts anew, closed, unless an operator holds it.
  void renew_breaker(Route route);
  // An operator's word, until it is taken back: nobody gets in, everybody does, or the breaker decides.
  void force_breakers(policy::Breaker::Forced forced);
  policy::Breaker::Forced forced() const;

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
  void settle(Route route, policy::Breaker::Permit const& permit, policy::Breaker::Verdict verdict,
              Duration took) noexcept;
  void tell_change(Route route, policy::Breaker::State before, policy::Breaker::State after) const;
  template <class Act>
  auto with_breaker(Route route, Act&& act) const;

  std::string const name_;
  std::size_t const index_;
  wire::Conninfo const info_;
  std::shared_ptr<observe::Hub> const hub_;
  mutable std::mutex breaker_mutex_;
  mutable policy::Breaker write_breaker_;        // guarded by breaker_mutex_
  mutable policy::Breaker read_breaker_;         // guarded by breaker_mutex_
  mutable policy::Breaker::State told_[2] = {};  // guarded by breaker_mutex_: what was last logged
  std::shared_ptr<pool::Pool> const writes_;
  std::shared_ptr<pool::Pool> const reads_;
  std::shared_ptr<pool::Pool> const fallback_;
};

std::string_view to_string(Route route);
std::string_view to_string(policy::Breaker::State state);

}  // namespace moonpool::cluster
