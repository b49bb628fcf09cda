#include "support/server/engine.hpp"

namespace moonpool::test {
namespace {

std::shared_ptr<cluster::Cluster> make(std::vector<cluster::NodeOptions> nodes,
                                       cluster::ClusterOptions options) {
  options.nodes = std::move(nodes);
  return std::make_shared<cluster::Cluster>(std::move(options));
}

cluster::NodeOptions node_of(wire::Conninfo info, cluster::Role role,
                             std::string const& application_name) {
  info.set("application_name", application_name);
  cluster::NodeOptions options;
  options.info = std::move(info);
  options.role = role;
  return options;
}

// Where a test does not say how long a connection may take, a crowded machine does not decide it.
cluster::ClusterOptions calm(cluster::ClusterOptions options) {
  options.health_interval = Duration::zero();
  pool::PoolOptions const defaults;
  for (auto const time :
       {&pool::PoolOptions::acquire_timeout, &pool::PoolOptions::connect_timeout}) {
    if (options.pool.*time == defaults.*time) options.pool.*time = std::chrono::minutes(1);
  }
  return options;
}

}  // namespace

cluster::NodeOptions node(dev::Server const& server, cluster::Role role,
                          std::string const& application_name) {
  auto options = node_of(conninfo(server), role, application_name);
  options.name = server.name();
  return options;
}

cluster::NodeOptions node(Proxy const& proxy, cluster::Role role,
                          std::string const& application_name) {
  auto options = node_of(conninfo(primary(), proxy.conninfo()), role, application_name);
  options.name = "bent";
  return options;
}

Engine::Engine(cluster::ClusterOptions options, session::Habits habits) {
  cluster = make({node(primary(), cluster::Role::primary, name),
                  node(replica(), cluster::Role::replica, name)},
                 calm(std::move(options)));
  session = session::Session::make(cluster, habits);
}

Engine::Engine(std::vector<cluster::NodeOptions> nodes, cluster::ClusterOptions options,
               session::Habits habits)
    : cluster(make(std::move(nodes), std::move(options))),
      session(session::Session::make(cluster, habits)) {}

Bent::Bent(cluster::ClusterOptions options, session::Habits habits) : proxy(socket_of(primary())) {
  cluster = make({node(proxy, cluster::Role::primary, name)}, calm(std::move(options)));
  session = session::Session::make(cluster, habits);
}

wire::Result run(session::Session& session, wire::Statement statement,
                 session::RunOptions options) {
  auto answer = wait(session.run({std::move(statement)}, options));
  if (auto const* error = answer.error()) throw Error(*error);
  return std::get<wire::Result>(std::move(answer.replies.front()));
}

std::string text_of(wire::Result const& result) {
  if (result.rows() == 0) return "";
  auto const field = result.value(0, 0);
  return field ? std::string(*field) : "NULL";
}

session::Answer run_all(session::Session& session, std::vector<std::string> const& texts,
                        session::RunOptions options) {
  wire::Request request;
  for (auto const& text : texts) request.push_back(statement(text));
  return wait(session.run(std::move(request), options));
}

}  // namespace moonpool::test
