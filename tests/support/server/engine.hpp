#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/cluster.hpp"
#include "proxy/proxy.hpp"
#include "session/session.hpp"
#include "support/server/servers.hpp"

namespace moonpool::test {

inline Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }

// A node on a server of ours, straight or through a proxy.
cluster::NodeOptions node(dev::Server const& server, cluster::Role role,
                          std::string const& application_name);
cluster::NodeOptions node(Proxy const& proxy, cluster::Role role,
                          std::string const& application_name);

// The whole engine over the primary and its replica; both see it under its name.
struct Engine {
  // A node of either role, on the primary and the replica. Without health checks unless asked for, so that
  // nothing happens that the test did not ask for.
  explicit Engine(cluster::ClusterOptions options = {}, session::Habits habits = {});
  // Over these nodes, without the standard ones.
  Engine(std::vector<cluster::NodeOptions> nodes, cluster::ClusterOptions options = {},
         session::Habits habits = {});

  std::string name = unique("engine");
  std::shared_ptr<cluster::Cluster> cluster;
  std::shared_ptr<session::Session> session;
};

// The same over the primary alone, with a proxy in between.
struct Bent {
  explicit Bent(cluster::ClusterOptions options = {}, session::Habits habits = {});

  std::string name = unique("bent");
  Proxy proxy;
  std::shared_ptr<cluster::Cluster> cluster;
  std::shared_ptr<session::Session> session;
};

// One statement by a session. Throws what the session throws and the error of the reply.
wire::Result run(session::Session& session, wire::Statement statement,
                 session::RunOptions options = {});
inline wire::Result run(session::Session& session, std::string sql,
                        session::RunOptions options = {}) {
  return run(session, statement(std::move(sql)), options);
}
std::string text_of(wire::Result const& result);
// The first field of what a statement gives.
inline std::string ask(session::Session& session, std::string sql,
                       session::RunOptions options = {}) {
  return text_of(run(session, std::move(sql), options));
}
// Several statements in one call.
session::Answer run_all(session::Session& session, std::vector<std::string> const& texts,
                        session::RunOptions options = {});

constexpr session::RunOptions kRead{.route = cluster::Route::read};
constexpr session::RunOptions kAtomic{.atomic = true};

}  // namespace moonpool::test
