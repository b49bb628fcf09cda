#pragma once

#include <algorithm>
#include <memory>
#include <thread>

#include "dev/cluster.hpp"
#include "support/server/engine.hpp"
#include "support/server/limit.hpp"

namespace moonpool::test {

// A primary and two replicas that it waits for before it acknowledges a commit, each behind a proxy of its own, and
// the engine over the three proxies, told nothing of their roles.
class Field {
 public:
  explicit Field(cluster::ClusterOptions options = {}, session::Habits habits = {})
      : servers_(dev::Cluster::start(make())),
        proxies_(stand_between()),
        engine(nodes(), std::move(options), habits) {}

  static constexpr std::size_t kServers = 3;

  dev::Server& server(std::size_t i) { return servers_.servers().at(i); }
  Proxy& proxy(std::size_t i) { return *proxies_.at(i); }
  dev::Server& lead() { return server(lead_); }
  std::size_t lead_index() const { return lead_; }
  bool is_lead(std::size_t i) const { return i == lead_; }
  // A server that is not the primary: 0 or 1.
  std::size_t other(std::size_t which) const {
    std::size_t const i = which % 2;
    return i < lead_ ? i : i + 1;
  }

  // One of the replicas that have everything that was acknowledged becomes the primary, and the other one follows it.
  // REQUIRES: both run, and what was the primary runs no more or is frozen.
  void fail_over() {
    auto const a = other(0);
    auto const b = other(1);
    // What is on its way to them must not make the one longer than the other after they were compared.
    for (auto i : {a, b}) {
      server(i).resume_replay();
      server(i).detach();
    }
    bool const second = later(server(b).wal_position(), server(a).wal_position());
    auto const next = second ? b : a;
    server(next).promote();
    lead_ = next;
    auto& follower = server(second ? a : b);
    follower.follow(server(next));
    // Before that nothing can be acknowledged, whoever writes.
    server(next).wait_until_streams_to(follower);
  }
  // What was the primary starts anew, from the present one's data.
  void rejoin(std::size_t i) { server(i).rejoin(lead()); }

  // All three run, and the replicas stream.
  void heal() {
    for (auto& proxy : proxies_) {
      proxy->clear();
      proxy->door(Proxy::Door::open);
    }
    for (std::size_t i = 0; i < kServers; ++i) {
      if (server(i).running()) server(i).thaw();
      server(i).start();
    }
    for (auto which : {0, 1}) {
      auto const i = other(static_cast<std::size_t>(which));
      server(i).resume_replay();
      lead().wait_until_streams_to(server(i));
    }
  }

 private:
  static dev::ClusterOptions make() {
    dev::ClusterOptions options;
    options.name = "ledger";
    options.limit = kServerLimit;
    options.replicas = 2;
    options.settings = {{"synchronous_standby_names", "ANY 1 (*)"}};
    return options;
  }
  std::vector<std::unique_ptr<Proxy>> stand_between() {
    std::vector<std::unique_ptr<Proxy>> out;
    for (auto const& server : servers_.servers()) {
      out.push_back(std::make_unique<Proxy>(socket_of(server)));
    }
    return out;
  }
  std::vector<cluster::NodeOptions> nodes() {
    std::vector<cluster::NodeOptions> out;
    for (std::size_t i = 0; i < kServers; ++i) {
      out.push_back(node(*proxies_[i], cluster::Role::unknown, "ledger"));
      out.back().name = server(i).name();
    }
    return out;
  }
  static bool later(std::string const& a, std::string const& b) {
    return policy::parse_lsn(a).value_or(0) > policy::parse_lsn(b).value_or(0);
  }

  dev::Cluster servers_;
  std::vector<std::unique_ptr<Proxy>> proxies_;
  std::size_t lead_ = 0;

 public:
  Engine engine;
};

}  // namespace moonpool::test
