#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "dev/spawn.hpp"
#include "support/server/engine.hpp"

namespace moonpool::test {

// PgBouncer in transaction mode between the engine and the primary, in a folder of its own; gone with this
// object, and bounded in time should that never come.
class PgBouncer {
 public:
  // `sessions` of the server for all clients; `more` are lines for its configuration.
  explicit PgBouncer(int sessions, std::string const& more = "") : folder_(make_folder()) {
    auto const info = conninfo(primary());
    std::ofstream(folder_ / "pgbouncer.ini")
        << "[databases]\n* = host=" << info.get("host") << " port=" << info.get("port")
        << " user=" << info.get("user")
        << "\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = " << folder_.string()
        << "\nlogfile = " << (folder_ / "log").string()
        << "\npidfile = " << (folder_ / "pid").string()
        << "\nauth_type = any\npool_mode = transaction\ndefault_pool_size = " << sessions
        << "\nmax_client_conn = 200\nquery_wait_timeout = 20\n"
        << more << "\n";
    auto const account = dev::server_account();
    std::filesystem::permissions(folder_ / "pgbouncer.ini", std::filesystem::perms(0644));
    REQUIRE(::chown(folder_.c_str(), account.uid, account.gid) == 0);
    dev::SpawnRequest request;
    request.program = "/usr/bin/timeout";
    request.arguments = {"--kill-after=5", "600", "/usr/sbin/pgbouncer",
                         (folder_ / "pgbouncer.ini").string()};
    request.account = &account;
    request.log = folder_ / "output";
    pid_ = dev::spawn(request);
    auto const socket = folder_ / ".s.PGSQL.6432";
    INFO(folder_);
    REQUIRE(eventually([&] { return std::filesystem::exists(socket); }));
  }
  PgBouncer(PgBouncer const&) = delete;
  PgBouncer& operator=(PgBouncer const&) = delete;
  ~PgBouncer() {
    ::kill(pid_, SIGTERM);
    dev::reap(pid_, Deadline::in(std::chrono::seconds(10)));
    std::filesystem::remove_all(folder_);
  }

  // As the engine would be given it.
  cluster::NodeOptions node(std::string const& application_name) const {
    cluster::NodeOptions options;
    options.info = conninfo(primary());
    options.info.set("host", folder_.string());
    options.info.set("port", "6432");
    options.info.set("application_name", application_name);
    options.name = "pooled";
    return options;
  }
  std::string log() const {
    std::ifstream file(folder_ / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  static std::filesystem::path make_folder() {
    std::string pattern = "/tmp/moonpool-pooler.XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    std::filesystem::permissions(pattern, std::filesystem::perms(0755));
    return pattern;
  }

  std::filesystem::path folder_;
  pid_t pid_ = 0;
};

}  // namespace moonpool::test
