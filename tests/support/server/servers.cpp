#include "support/server/servers.hpp"

#include <atomic>

#include "support/server/dsn.hpp"
#include "support/server/limit.hpp"

namespace moonpool::test {

dev::Cluster& servers() {
  static dev::Cluster cluster = [] {
    dev::ClusterOptions options;
    options.name = "tests";
    options.limit = kServerLimit;
    return dev::Cluster::start(options);
  }();
  return cluster;
}

wire::Conninfo conninfo(dev::Server const& server, std::string_view more) {
  return wire::Conninfo::parse(server.conninfo() + " " + std::string(more));
}

std::string socket_of(dev::Server const& server) {
  auto const info = conninfo(server);
  return info.get("host") + "/.s.PGSQL." + info.get("port");
}

std::string primary_dsn() { return primary().conninfo(); }
std::string replica_dsn() { return replica().conninfo(); }

std::string sql(std::string const& text) { return primary().value(text); }

std::string unique(std::string_view stem) {
  static std::atomic<int> count{0};
  return std::string(stem) + "_" + std::to_string(++count);
}

int sessions(std::string_view application_name) {
  return std::stoi(sql("select count(*) from pg_stat_activity where application_name = '" +
                       std::string(application_name) + "'"));
}

wire::Statement statement(std::string sql, std::vector<std::string> params) {
  wire::Statement out;
  out.sql = std::move(sql);
  for (auto& param : params) {
    if (param == "\1NULL") {
      out.params.push_back({std::nullopt, 0});
    } else {
      out.params.push_back({std::move(param), 0});
    }
  }
  return out;
}

}  // namespace moonpool::test
