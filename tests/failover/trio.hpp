#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "dev/cluster.hpp"
#include "support/server/engine.hpp"

namespace moonpool::test {

// A primary with two replicas of its own, and the engine over all three, told nothing of their roles.
struct Trio {
  explicit Trio(cluster::ClusterOptions options = {}, dev::Settings settings = {})
      : servers(dev::Cluster::start(with(std::move(settings)))),
        engine(nodes(), std::move(options)) {}

  static dev::ClusterOptions with(dev::Settings settings) {
    dev::ClusterOptions options;
    options.name = "trio";
    options.replicas = 2;
    options.settings = std::move(settings);
    return options;
  }
  std::vector<cluster::NodeOptions> nodes() {
    std::vector<cluster::NodeOptions> out;
    for (auto const& server : servers.servers()) {
      out.push_back(node(server, cluster::Role::unknown, "trio"));
    }
    return out;
  }

  session::Session& session() const { return *engine.session; }
  std::shared_ptr<cluster::Topology const> topology() const { return engine.cluster->topology(); }
  std::string primary() const {
    auto const now = topology();
    return now->primary ? now->nodes[*now->primary].name : "";
  }
  policy::Refusal refusal(std::string_view name) const {
    for (auto const& node : topology()->nodes) {
      if (node.name == name) return node.refusal;
    }
    return policy::Refusal::none;
  }

  dev::Cluster servers;
  Engine engine;
};

// Clients that write until they are stopped, each with a session of its own, and keep a book of what they were
// told. The table has no unique key, so that what was done twice is seen.
class Ledger {
 public:
  Ledger(Trio& trio, int clients) : trio_(trio) {
    trio.servers.primary().query("create table ledger (client int, op int, part int)");
    trio.servers.wait_until_replicated();
    for (int i = 0; i < clients; ++i) books_.push_back(std::make_unique<Book>());
    for (int i = 0; i < clients; ++i) threads_.emplace_back([this, i] { write(i); });
  }
  ~Ledger() { stop(); }

  void stop() {
    stopped_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  std::size_t acknowledged() const { return acknowledged_; }
  std::size_t unknown() const { return unknown_; }
  std::size_t refused() const { return refused_; }
  // The longest time without any write being acknowledged, in milliseconds.
  double longest_pause() const { return longest_pause_; }
  std::set<std::string> complaints() const {
    std::lock_guard const lock(mutex_);
    return complaints_;
  }

  struct Verdict {
    int lost = 0;
    int duplicate = 0;
    int phantom = 0;
  };
  // REQUIRES: stopped. `witness` is the surviving primary.
  Verdict audit(dev::Server const& witness) const;

 private:
  enum class Told { ok, nothing, unknown };
  struct Book {
    std::vector<Told> ops;
  };
  void write(int client);
  Told attempt(session::Session& session, int client, int op);

  Trio& trio_;
  std::vector<std::unique_ptr<Book>> books_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> acknowledged_{0};
  std::atomic<std::size_t> unknown_{0};
  std::atomic<std::size_t> refused_{0};
  std::atomic<double> longest_pause_{0};
  mutable std::mutex mutex_;
  TimePoint last_ = Clock::now();
  std::set<std::string> complaints_;  // names of the errors clients met
};

}  // namespace moonpool::test
