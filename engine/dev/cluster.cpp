#include "dev/cluster.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <random>

#include "base/error.hpp"
#include "dev/leftovers.hpp"
#include "dev/places.hpp"

namespace moonpool::dev {
namespace {

namespace fs = std::filesystem;

constexpr int kFirstPort = 5432;  // the usual one; each cluster has a socket folder of its own
constexpr std::chrono::seconds kEndLimit{20};

std::string random_name() {
  std::random_device device;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  std::string name;
  while (name.size() < 12) name += kLetters[device() % kLetters.size()];
  return name;
}

bool holds_data(fs::path const& data) {
  std::error_code closed;
  return fs::exists(data / "PG_VERSION", closed);
}

std::string replica_name(int number) { return "replica" + std::to_string(number); }

// The version that the data of a kept cluster belongs to.
std::optional<int> version_of_data(fs::path const& folder) {
  std::ifstream file(folder / "primary/PG_VERSION");
  int version = 0;
  if (file >> version) return version;
  return {};
}

Binaries binaries_for(ClusterOptions const& options, std::optional<int> version) {
  auto const candidates =
      options.binaries.empty() ? binary_candidates() : std::vector<fs::path>{options.binaries};
  return find_binaries(candidates, version);
}

}  // namespace

Cluster::Cluster(Cluster&&) noexcept = default;

Cluster::~Cluster() {
  if (ground_ != nullptr && lifetime_ == Lifetime::process) end_passing();
}

Cluster Cluster::start(ClusterOptions options) {
  auto const deadline = Deadline::in(options.limit);
  auto cluster = settle(options);
  try {
    if (cluster.lifetime_ == Lifetime::kept) {
      cluster.lock_ = lock_file(cluster.folder() / "lock", deadline);
      cluster.guardian_ = std::make_unique<Guardian>(cluster.folder(), Guardian::Task::undo_start,
                                                     cluster.lock_.get());
      cluster.ground_->guardian = cluster.guardian_.get();
    }
    cluster.bring_up(deadline);
  } catch (...) {
    if (cluster.lifetime_ == Lifetime::kept && cluster.guardian_) {
      cluster.guardian_->finish(Deadline::in(kEndLimit));
    }
    throw;
  }
  if (cluster.lifetime_ == Lifetime::kept) {
    cluster.ground_->guardian = nullptr;
    cluster.guardian_->release();
    cluster.guardian_.reset();
    cluster.lock_.close();
  }
  return cluster;
}

std::optional<Cluster> Cluster::attach(ClusterOptions options) {
  options.lifetime = Lifetime::kept;
  auto const account = server_account();
  auto const folder = options.folder.empty() ? kept_folder(Places::here(), options.name, account)
                                             : fs::absolute(options.folder);
  if (!holds_data(folder / "primary")) return {};
  options.replicas = 0;
  return settle(options);
}

Cluster Cluster::settle(ClusterOptions const& options) {
  if (options.replicas < 0 || options.replicas > 8) {
    throw Error(ErrorKind::usage, "a development cluster has 0 to 8 replicas, not " +
                                      std::to_string(options.replicas));
  }
  Cluster cluster;
  cluster.lifetime_ = options.lifetime;
  auto ground = std::make_unique<Ground>();
  ground->name = options.name;
  ground->account = server_account();
  ground->settings = options.settings;
  ground->initdb_arguments = options.initdb_arguments;
  ground->limit = options.limit;
  ground->durable = options.lifetime == Lifetime::kept;
  cluster.ground_ = std::move(ground);
  if (options.lifetime == Lifetime::kept) {
    cluster.settle_kept(options);
  } else {
    cluster.settle_passing(options);
  }
  make_folder_of(cluster.ground_->account, cluster.ground_->sockets);
  make_folder_of(cluster.ground_->account, cluster.ground_->folder / "log");
  cluster.add_servers(options.replicas);
  return cluster;
}

void Cluster::settle_kept(ClusterOptions const& options) {
  auto& ground = *ground_;
  auto const places = Places::here();
  ground.folder = options.folder.empty() ? kept_folder(places, options.name, ground.account)
                                         : fs::absolute(options.folder).lexically_normal();
  ground.binaries = binaries_for(options, version_of_data(ground.folder));
  make_private_folder(ground.folder, ground.account);
  ground.sockets = socket_folder(places, ground.folder);
  make_private_folder(ground.sockets.parent_path(), ground.account);
}

void Cluster::settle_passing(ClusterOptions const& options) {
  auto& ground = *ground_;
  ground.binaries = binaries_for(options, {});
  auto places = Places::here();
  if (!options.folder.empty()) places.temporary = fs::absolute(options.folder).lexically_normal();
  auto const parent = passing_folder(places, ground.account);
  sweep(parent);
  fs::path folder;
  for (int tries = 0; !lock_; ++tries) {
    // The last cluster to go removes the parent, perhaps just now.
    make_private_folder(parent, ground.account);
    folder = parent / random_name();
    lock_ = lock_new(folder.string() + ".lock");
    if (!lock_ && tries == 100) {
      throw Error(ErrorKind::environment, "cannot make files in " + parent.string());
    }
  }
  ground.folder = folder;
  guardian_ = std::make_unique<Guardian>(folder, Guardian::Task::remove, lock_.get());
  ground.guardian = guardian_.get();
  ground.sockets = folder / "s";
  make_private_folder(folder, ground.account);
}

void Cluster::add_servers(int replicas) {
  while (holds_data(folder() / replica_name(replicas + 1))) ++replicas;
  servers_.reserve(static_cast<std::size_t>(replicas) + 1);
  servers_.emplace_back(*ground_, "primary", kFirstPort);
  for (int number = 1; number <= replicas; ++number) {
    servers_.emplace_back(*ground_, replica_name(number), kFirstPort + number);
  }
}

void Cluster::bring_up(Deadline deadline) {
  if (!primary().exists()) primary().make_by_initdb();
  std::vector<Server*> launched;
  for (auto& server : servers_) {
    if (server.exists()) launched.push_back(&server);
  }
  for (auto* server : launched) server->launch();
  for (auto* server : launched) server->await_ready(deadline);
  // Replicas first: a backup begins with a checkpoint, which is cheap as long as there is little to
  // write.
  make_replicas(deadline);
  make_database(deadline);
  for (auto& server : servers_) server.finish_making();
  if (lifetime_ == Lifetime::kept) mend_replicas();
}

void Cluster::make_database(Deadline deadline) {
  auto admin = primary().connect();
  if (!admin.value("SELECT 1 FROM pg_database WHERE datname = 'moonpool'", deadline).empty())
    return;
  if (admin.value("SELECT pg_is_in_recovery()", deadline) == "t") return;
  admin.query("CREATE DATABASE moonpool", deadline);
  wait_until_replicated();
}

void Cluster::make_replicas(Deadline deadline) {
  std::vector<std::future<void>> made;
  for (auto& server : servers_) {
    if (server.exists()) continue;
    made.push_back(std::async(std::launch::async, [this, &server, deadline] {
      server.make_by_backup_of(primary());
      server.launch();
      server.await_ready(deadline);
      primary().wait_until_streams_to(server);
    }));
  }
  for (auto& one : made) one.wait();
  for (auto& one : made) one.get();
}

// A replica that was away for so long that its primary threw away the WAL it needs is made anew.
void Cluster::mend_replicas() {
  auto const lost = primary().query(
      "SELECT slot_name FROM pg_replication_slots WHERE wal_status = 'lost'", "postgres");
  for (auto const& row : lost) {
    auto const found = std::find_if(servers_.begin(), servers_.end(), [&](Server const& server) {
      return server.name() == row.front().value_or("");
    });
    if (found != servers_.end() && found->role() == Role::replica) found->rejoin(primary());
  }
}

void Cluster::stop() {
  if (lifetime_ == Lifetime::process) return end_passing();
  auto const deadline = Deadline::in(ground_->limit);
  auto const lock = lock_file(folder() / "lock", deadline);
  for (auto& server : servers_) server.ask_to_stop(StopMode::fast);
  for (auto& server : servers_) server.await_stopped(StopMode::fast, deadline);
}

void Cluster::remove() {
  stop();
  if (lifetime_ == Lifetime::process) return;
  auto const lock = lock_file(folder() / "lock", Deadline::in(ground_->limit));
  clear_away(folder());
  std::error_code none;
  fs::remove_all(ground_->sockets, none);
}

void Cluster::end_passing() noexcept {
  if (!guardian_) return;
  if (!guardian_->finish(Deadline::in(kEndLimit))) {
    try {
      clear_away(folder());
      fs::remove(folder().string() + ".lock");
    } catch (std::exception const&) {
      // sweep() of the next cluster finds the lock and tries again.
    }
  }
  for (auto& server : servers_) server.forget_launched();
  std::error_code none;
  fs::remove(folder().parent_path(), none);
  guardian_.reset();
  ground_->guardian = nullptr;
  lock_.close();
}

void Cluster::wait_until_replicated() {
  auto const position = primary().wal_position();
  for (std::size_t index = 1; index < servers_.size(); ++index) {
    servers_[index].wait_until_replayed(position);
  }
}

std::vector<std::pair<std::string, std::string>> Cluster::environment() const {
  std::vector<std::pair<std::string, std::string>> variables = {
      {"MOONPOOL_PRIMARY", servers_.front().conninfo()}};
  for (std::size_t index = 1; index < servers_.size(); ++index) {
    auto const suffix = index == 1 ? std::string() : "_" + std::to_string(index);
    variables.emplace_back("MOONPOOL_REPLICA" + suffix, servers_[index].conninfo());
  }
  return variables;
}

}  // namespace moonpool::dev
