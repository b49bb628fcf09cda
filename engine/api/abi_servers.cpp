#include "api/handles.hpp"
#include "dev/binaries.hpp"
#include "dev/cluster.hpp"

struct mp_servers {
  moonpool::dev::Cluster cluster;
  std::vector<std::string> dsns;
};

int mp_servers_available(mp_error** error) noexcept {
  return moonpool::api::guarded(error, 0, [] {
    moonpool::dev::find_binaries(moonpool::dev::binary_candidates());
    return 1;
  });
}

mp_servers* mp_servers_start(size_t replicas, mp_error** error) noexcept {
  return moonpool::api::guarded(error, static_cast<mp_servers*>(nullptr), [&] {
    moonpool::dev::ClusterOptions options;
    options.name = "test";
    options.replicas = static_cast<int>(replicas);
    auto servers =
        std::make_unique<mp_servers>(mp_servers{moonpool::dev::Cluster::start(options), {}});
    for (auto const& server : servers->cluster.servers()) {
      servers->dsns.push_back(server.conninfo());
    }
    return servers.release();
  });
}

const char* mp_servers_dsn(const mp_servers* servers, size_t index) noexcept {
  return index < servers->dsns.size() ? servers->dsns[index].c_str() : nullptr;
}

void mp_servers_free(mp_servers* servers) noexcept { delete servers; }
