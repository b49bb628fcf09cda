#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "dev/account.hpp"
#include "dev/admin.hpp"
#include "dev/binaries.hpp"
#include "dev/guardian.hpp"
#include "dev/process_table.hpp"

namespace moonpool::dev {

// How a server is asked to stop: `smart` waits for its clients, `fast` ends their sessions,
// `immediate` is a crash that PostgreSQL itself arranges (the next start recovers).
enum class StopMode { smart, fast, immediate };

enum class Role { stopped, primary, replica };
std::string_view to_string(Role role);

using Settings = std::vector<std::pair<std::string, std::string>>;

// What the servers of one cluster share. Owned by the Cluster, which outlives its servers.
struct Ground {
  std::string name;  // of the cluster, for titles and messages
  std::filesystem::path folder;
  std::filesystem::path sockets;
  Binaries binaries;
  Account account;
  bool durable = true;  // false: no fsync anywhere; the data is thrown away anyhow
  Settings settings;    // beyond those a development server gets anyhow
  std::vector<std::string> initdb_arguments;
  Duration limit{};              // for one operation on one server
  Guardian* guardian = nullptr;  // told of every process that is started, when there is one
};

// One PostgreSQL server of a development cluster, and all the harm that can be done to it.
//
// Every call ends within the cluster's limit (ClusterOptions::limit) and throws Error(timeout)
// then, or Error(environment) with the end of the server's log when it died. One thread at a time;
// servers of one cluster may be used from different threads.
class Server {
 public:
  // REQUIRES: `ground` outlives the server.
  Server(Ground const& ground, std::string name, int port);

  std::string const& name() const { return name_; }  // as it was made: "primary", "replica1"
  std::filesystem::path data() const;
  std::filesystem::path log() const;
  int port() const { return port_; }
  // Connection string in libpq's key=value form, for any client.
  std::string conninfo(std::string_view database = "moonpool") const;

  // --- Life (server.cpp)
  bool exists() const;  // is there a data folder?
  pid_t pid() const;    // the postmaster's, checked to be ours; 0 when it does not run
  bool running() const { return pid() != 0; }  // also when it is frozen
  void start();                                // nothing when it runs already
  // Thaws it first. When it does not stop in the way asked within the limit it is stopped harder.
  void stop(StopMode mode = StopMode::fast);
  void restart(StopMode mode = StopMode::fast);

  // start() in two halves, so that several servers can start at once.
  void launch();
  void await_ready(Deadline deadline);
  // stop() in two halves.
  void ask_to_stop(StopMode mode);
  void await_stopped(StopMode mode, Deadline deadline);

  // --- Harm (server_faults.cpp)
  // SIGKILL to the postmaster and all its children at once, as when the machine loses power.
  void kill_hard();
  // SIGSTOP to all its processes: sockets stay open, nothing is ever answered.
  void freeze();
  // SIGSTOP to the postmaster alone: sessions go on, the kernel accepts new ones, nobody logs them
  // in.
  void freeze_postmaster();
  void thaw();          // undoes both, and freeze_process()
  bool frozen() const;  // is the postmaster stopped?

  std::vector<Process> processes() const;  // the postmaster's children
  // The process whose title begins so: "walreceiver", "walsender", "startup", "checkpointer"; 0:
  // none.
  pid_t find_process(std::string_view title) const;
  // One process of this server, a session's backend (pg_backend_pid()) or another. Killing one
  // makes PostgreSQL end all sessions and recover. Throws Error(usage) when it is not of this
  // server.
  void kill_process(pid_t pid);
  void freeze_process(pid_t pid);
  void thaw_process(pid_t pid);

  // --- Administration (server_admin.cpp)
  AdminConnection connect(std::string_view database = "postgres") const;
  TextRows query(std::string const& sql, std::string_view database = "moonpool") const;
  std::string value(std::string const& sql, std::string_view database = "moonpool") const;
  // ALTER SYSTEM and reload; some settings need restart() all the same.
  void set(std::string_view setting, std::string_view value);
  void unset(std::string_view setting);
  void reload();
  // Appends to postgresql.conf, for a server that does not run. Later lines win.
  void configure(Settings const& settings);

  // --- Replication (server_replication.cpp)
  Role role() const;
  void promote();       // and waits until it takes writes
  void pause_replay();  // WAL still arrives and is not applied; waits until that is so
  void resume_replay();
  void detach();  // stops receiving WAL: primary_conninfo = ''
  // Receives WAL from `upstream`, from now on, with a slot of its own there. For a running replica
  // whose history is part of the upstream's; else rejoin().
  void follow(Server const& upstream);
  // Throws its data away and becomes a replica of `source`, which must run.
  void rejoin(Server const& source);

  std::string wal_position() const;       // primary: written; replica: received
  std::string replayed_position() const;  // replica: applied; primary: written
  void wait_until_replayed(std::string const& position) const;
  // Waits until a replica of that name streams from this server.
  void wait_until_streams_to(Server const& replica) const;

  // --- Making (server_build.cpp)
  // A half-made data folder is called NAME.new until it is whole. Where data is kept, a new server runs
  // without fsync (ten times faster on a busy disk) until finish_making(), or its next start.
  void make_by_initdb();
  void make_by_backup_of(Server const& source);
  void finish_making();
  void remove_data();

  // Its process is known to have ended, or must end with somebody else's help within a second.
  void forget_launched();

 private:
  Deadline deadline() const { return Deadline::in(ground_->limit); }
  void append_settings(std::filesystem::path const& data, Settings const& settings) const;
  void append_to(std::filesystem::path const& file, std::string const& text) const;
  Settings own_settings() const;
  void put_off_fsync(std::filesystem::path const& data);
  void await_frozen(pid_t process) const;
  void remove_leftovers();
  void ensure_slot_for(Server const& replica) const;
  std::string admin_conninfo(std::string_view database) const;
  [[noreturn]] void report_dead() const;

  Ground const* ground_;
  std::string name_;
  int port_;
  bool being_made_ = false;
  pid_t launched_ = 0;  // by us or met while stopping: known apart from its pid file
};

}  // namespace moonpool::dev
