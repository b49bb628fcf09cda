#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "cluster/options.hpp"
#include "pool/pool.hpp"

namespace moonpool::cluster {

// One server and its pools. Read connections are opened read-only, so a read is read-only on a
// replica and on the primary alike. Threads: any.
class Node {
 public:
  Node(NodeOptions options, pool::PoolOptions const& pool, async::Loop& keeper);

  std::string const& name() const { return name_; }
  Role role() const { return role_; }
  void set_role(Role role) { role_ = role; }

  pool::Pool& writes() const { return *writes_; }
  pool::Pool& reads() const { return *reads_; }

  // Was it out of reach a moment ago?
  bool rests(TimePoint now = Clock::now()) const { return now < rests_until_.load(); }
  void rest_until(TimePoint until) { rests_until_ = until; }

  void start();
  void close();
  bool is_empty() const;

 private:
  std::string const name_;
  std::atomic<Role> role_;
  std::atomic<TimePoint> rests_until_{TimePoint::min()};
  std::shared_ptr<pool::Pool> const writes_;
  std::shared_ptr<pool::Pool> const reads_;
};

std::string_view to_string(Role role);

}  // namespace moonpool::cluster
