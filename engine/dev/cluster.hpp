#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "dev/descriptor.hpp"
#include "dev/guardian.hpp"
#include "dev/server.hpp"

namespace moonpool::dev {

enum class Lifetime {
  kept,     // until stop(); the data stays, in a folder of its name
  process,  // until the Cluster or its process ends, however that happens; nothing stays
};

struct ClusterOptions {
  Lifetime lifetime = Lifetime::process;
  // Which of the kept clusters; of a process-tied one only its servers' titles.
  std::string name = "main";
  // kept: the cluster's folder; process: the folder to make the throw-away folder in. Empty: chosen
  // by kept_folder() and passing_folder().
  std::filesystem::path folder;
  // How many replicas. A kept cluster that has more keeps them, one that has fewer gets them.
  int replicas = 1;
  // Lines for postgresql.conf beyond the standard ones ("fsync" = "on" for tests of durability),
  // and arguments for initdb ("--wal-segsize=1"). They count when a cluster is made, not at later
  // starts.
  Settings settings;
  std::vector<std::string> initdb_arguments;
  // The folder of initdb and postgres. Empty: found by binary_candidates().
  std::filesystem::path binaries;
  // For start() and stop() each, and for each operation on a server. Too small a limit fails on a
  // busy machine; one that is passed costs nothing otherwise.
  Duration limit = std::chrono::seconds(60);
};

struct ServerStatus {
  std::string name;
  Role role = Role::stopped;
  pid_t pid = 0;
  bool frozen = false;
  std::string conninfo;
  std::filesystem::path data;
  std::filesystem::path log;
  std::string position;                // as Server::replayed_position()
  std::optional<long long> lag_bytes;  // of a replica, behind what the primary has written
  bool streaming = false;              // a replica's WAL receiver is connected
  bool replay_paused = false;
  std::string problem;  // why the rest is not known, when it runs and does not answer
};

struct ClusterStatus {
  std::string name;
  std::filesystem::path folder;
  std::string account;
  int version = 0;  // of PostgreSQL, major
  std::vector<ServerStatus> servers;

  bool all_running() const;
};

// A private PostgreSQL primary and its streaming replicas: Unix sockets only, superuser `postgres`,
// database `moonpool`, small memory settings.
//
// Clusters do not get into each other's way, in one process or in several. Everything that is
// started is known to a Guardian first, so no end of this process leaves a half-made or a
// process-tied cluster. One thread at a time.
class Cluster {
 public:
  // Makes it where needed, starts what does not run, waits until all take connections and every
  // replica streams. Throws Error; then nothing runs that did not run before.
  static Cluster start(ClusterOptions options = {});

  // A kept cluster as it is, running or not; nothing when there is none of that name.
  static std::optional<Cluster> attach(ClusterOptions options);

  // Process-tied: stops it and removes its folder. Kept: leaves it as it is.
  ~Cluster();
  Cluster(Cluster&&) noexcept;
  Cluster& operator=(Cluster&&) = delete;

  // Stops all servers; the data of a kept cluster stays. A process-tied cluster is gone after this,
  // and its servers' methods must not be used any more.
  void stop();
  // stop(), and a kept cluster's data is removed too.
  void remove();

  std::filesystem::path const& folder() const { return ground_->folder; }
  Binaries const& binaries() const { return ground_->binaries; }
  // By the role they were made with; promote() and rejoin() change roles, not names. They stay
  // where they are while the cluster lives, also when it is moved.
  Server& primary() { return servers_.front(); }
  Server& replica(std::size_t index = 0) { return servers_.at(index + 1); }
  std::vector<Server>& servers() { return servers_; }

  // Waits until every replica has applied what the primary has written up to now.
  void wait_until_replicated();

  ClusterStatus status() const;

  // What tells programs of this cluster: MOONPOOL_PRIMARY, MOONPOOL_REPLICA, MOONPOOL_REPLICA_2 …
  std::vector<std::pair<std::string, std::string>> environment() const;

 private:
  Cluster() = default;
  static Cluster settle(ClusterOptions const& options);
  void settle_kept(ClusterOptions const& options);
  void settle_passing(ClusterOptions const& options);
  void add_servers(int replicas);
  void bring_up(Deadline deadline);
  void make_replicas(Deadline deadline);
  void make_database(Deadline deadline);
  void mend_replicas();
  void end_passing() noexcept;

  Lifetime lifetime_ = Lifetime::process;
  std::unique_ptr<Ground> ground_;  // on the heap: servers refer to it
  std::vector<Server> servers_;     // primary first
  std::unique_ptr<Guardian> guardian_;
  Descriptor lock_;  // process-tied: held for life; kept: during start, stop and remove
};

}  // namespace moonpool::dev
