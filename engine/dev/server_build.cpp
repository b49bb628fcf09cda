#include <locale.h>

#include <algorithm>

#include "base/error.hpp"
#include "dev/places.hpp"
#include "dev/quote.hpp"
#include "dev/server.hpp"
#include "dev/spawn.hpp"

namespace moonpool::dev {
namespace {

namespace fs = std::filesystem;

// C.UTF-8 sorts by code point and knows letters beyond ASCII; a minimal system may not have it.
bool has_c_utf8() {
  auto const locale = ::newlocale(LC_ALL_MASK, "C.UTF-8", nullptr);
  if (locale == nullptr) return false;
  ::freelocale(locale);
  return true;
}

SpawnRequest request_for(Ground const& ground, fs::path program,
                         std::vector<std::string> arguments) {
  SpawnRequest request;
  request.program = std::move(program);
  request.arguments = std::move(arguments);
  request.account = &ground.account;
  if (ground.guardian != nullptr) request.announce = ground.guardian->announce_socket();
  return request;
}

void remove_tree(fs::path const& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) {
    throw Error(ErrorKind::environment,
                "cannot remove " + folder.string() + ": " + error.message());
  }
}

// An empty folder for the tool to fill. It is renamed once it is whole, settings and all, so that a
// data folder under its own name can always be started.
fs::path half_made(Ground const& ground, fs::path const& data) {
  fs::path folder = data.string() + ".new";
  remove_tree(folder);
  make_folder_of(ground.account, folder);
  return folder;
}

void adopt(fs::path const& built, fs::path const& data) {
  std::error_code error;
  fs::rename(built, data, error);
  if (error) {
    throw Error(ErrorKind::environment, "cannot rename " + built.string() + " to " + data.string() +
                                            ": " + error.message());
  }
}

// Included by postgresql.conf when it is there. A new, empty cluster need not survive a power failure
// in its first half minute, and so is made in 1 s where a busy disk would take 10.
constexpr char const* kHasty = "unsafe-while-made.conf";

Settings standard_settings(Ground const& ground) {
  Settings settings = {
      {"listen_addresses", ""},
      {"unix_socket_directories", ground.sockets.string()},
      {"shared_buffers", "16MB"},
      {"max_connections", "60"},
      {"max_worker_processes", "4"},
      {"max_wal_senders", "10"},
      {"max_replication_slots", "10"},
      {"wal_level", "replica"},
      {"hot_standby", "on"},
      {"wal_keep_size", "16MB"},
      {"min_wal_size", "32MB"},
      {"max_wal_size", "256MB"},
      // A replica that is gone for good must not fill the disk of its primary.
      {"max_slot_wal_keep_size", "2GB"},
      // A replica notices within moments that its primary is back (the default is 5 s).
      {"wal_retrieve_retry_interval", "200ms"},
      {"wal_receiver_status_interval", "1s"},
      // In files below the data folder: /dev/shm may be tiny or absent, and keeps what a crash
      // leaves.
      {"dynamic_shared_memory_type", "mmap"},
      {"logging_collector", "off"},
      {"log_line_prefix", "%m [%p] "},
      {"lc_messages", "C"},
      {"jit", "off"},
  };
  if (ground.durable) {
    settings.emplace_back("include_if_exists", kHasty);
  } else {
    settings.insert(settings.end(), {{"fsync", "off"}, {"full_page_writes", "off"}});
  }
  settings.insert(settings.end(), ground.settings.begin(), ground.settings.end());
  return settings;
}

}  // namespace

Settings Server::own_settings() const {
  return {{"port", std::to_string(port_)},
          {"cluster_name", "moonpool/" + ground_->name + "/" + name_}};
}

void Server::put_off_fsync(fs::path const& data) {
  being_made_ = true;
  if (!ground_->durable) return;
  append_to(data / kHasty, "fsync = off\n");
}

void Server::finish_making() {
  being_made_ = false;
  std::error_code none;
  if (fs::remove(data() / kHasty, none) && running()) reload();
}

void Server::make_by_initdb() {
  auto const built = half_made(*ground_, data());
  // Trust is safe here: the only way in is a socket in a folder that only its owner may enter.
  std::vector<std::string> arguments = {"-D",
                                        built.string(),
                                        "-U",
                                        "postgres",
                                        "--auth=trust",
                                        "-E",
                                        "UTF8",
                                        std::string("--locale=") + (has_c_utf8() ? "C.UTF-8" : "C"),
                                        "--no-instructions",
                                        "--no-sync"};
  arguments.insert(arguments.end(), ground_->initdb_arguments.begin(),
                   ground_->initdb_arguments.end());
  auto const program = ground_->binaries.tool("initdb");
  if (ground_->binaries.version < 14) std::erase(arguments, "--no-instructions");
  run_checked(request_for(*ground_, program, std::move(arguments)), deadline());
  auto settings = standard_settings(*ground_);
  auto const own = own_settings();
  settings.insert(settings.end(), own.begin(), own.end());
  append_settings(built, settings);
  put_off_fsync(built);
  adopt(built, data());
}

void Server::make_by_backup_of(Server const& source) {
  auto const built = half_made(*ground_, data());
  source.query(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE "
      "NOT active AND slot_name = " +
          quote_for_settings(name_),
      "postgres");
  std::vector<std::string> arguments = {"-D",
                                        built.string(),
                                        "-d",
                                        source.conninfo("postgres") + " application_name=" + name_,
                                        "--checkpoint=fast",
                                        "-R",
                                        "-C",
                                        "-S",
                                        name_,
                                        "-X",
                                        "stream",
                                        "--no-manifest",
                                        "--no-sync"};
  run_checked(request_for(*ground_, ground_->binaries.tool("pg_basebackup"), std::move(arguments)),
              deadline());
  append_settings(built, own_settings());
  put_off_fsync(built);
  adopt(built, data());
}

void Server::remove_data() {
  if (running()) {
    throw Error(ErrorKind::usage, "the server " + name_ + " still runs; stop it first");
  }
  remove_leftovers();
  remove_tree(data());
}

}  // namespace moonpool::dev
