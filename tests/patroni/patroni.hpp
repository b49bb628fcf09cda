#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "dev/binaries.hpp"
#include "dev/process_table.hpp"
#include "dev/spawn.hpp"
#include "support/server/engine.hpp"

namespace moonpool::test {

// Three PostgreSQL servers that Patroni looks after, with etcd, all on loopback and in one temporary folder.
// Gone with this object; should that never come, each process is bounded in time.
class Patroni {
 public:
  static constexpr std::size_t kNodes = 3;

  Patroni() : account_(dev::server_account()), folder_(make_folder()) {
    REQUIRE(::chown(folder_.c_str(), account_.uid, account_.gid) == 0);
    auto const client = "http://127.0.0.1:" + std::to_string(store_);
    auto const peer = "http://127.0.0.1:" + std::to_string(free_port());
    launch("/usr/bin/etcd",
           {"--name", "store", "--data-dir", (folder_ / "etcd").string(), "--listen-client-urls",
            client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", "store=" + peer,
            "--unsafe-no-fsync"},
           "etcd.log");
    for (std::size_t i = 0; i < kNodes; ++i) {
      ports_[i] = free_port();
      std::ofstream(config(i)) << settings(i);
      std::filesystem::permissions(config(i), std::filesystem::perms(0644));
    }
    for (std::size_t i = 0; i < kNodes; ++i) start(i);
  }
  Patroni(Patroni const&) = delete;
  Patroni& operator=(Patroni const&) = delete;
  ~Patroni() {
    for (std::size_t i = 0; i < kNodes; ++i) kill(i);
    for (auto const& process : dev::all_processes()) {
      if (mentions(process, folder_.string())) ::kill(process.pid, SIGKILL);
    }
    for (auto const pid : launched_) dev::reap(pid, Deadline::in(std::chrono::seconds(5)));
    std::filesystem::remove_all(folder_);
  }

  // One that was killed comes back.
  void start(std::size_t node) {
    launch("/usr/bin/patroni", {config(node).string()}, name(node) + ".log");
  }
  // Patroni and PostgreSQL at once, as when the machine loses power.
  void kill(std::size_t node) const { signal(node, SIGKILL); }
  // The machine stands still: nothing is answered, every socket stays open.
  void freeze(std::size_t node) const { signal(node, SIGSTOP); }
  void thaw(std::size_t node) const { signal(node, SIGCONT); }
  void switch_over(std::size_t from, std::size_t to) {
    patronictl({"switchover", "--leader", name(from), "--candidate", name(to), "--force"});
  }

  struct Member {
    std::string role;   // "Leader", "Sync Standby", "Replica"
    std::string state;  // "running"
  };
  // As Patroni sees them; a member that it does not know has no role.
  std::vector<Member> members() {
    std::vector<Member> out(kNodes);
    std::istringstream lines(patronictl({"list", "--format", "tsv"}));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream fields(line);
      std::vector<std::string> words;
      for (std::string word; std::getline(fields, word, '\t');) words.push_back(word);
      for (std::size_t i = 0; i < kNodes; ++i) {
        if (words.size() > 4 && words[1] == name(i)) out[i] = {words[3], words[4]};
      }
    }
    return out;
  }
  std::string told() { return patronictl({"list"}); }
  // The only one with the lock whose server runs; kNodes: there is none.
  std::size_t leader() {
    auto const all = members();
    for (std::size_t i = 0; i < kNodes; ++i) {
      if (all[i].role == "Leader" && all[i].state == "running") return i;
    }
    return kNodes;
  }
  // The one that has every acknowledged commit, and so may take over; kNodes: there is none.
  std::size_t successor() {
    auto const all = members();
    for (std::size_t i = 0; i < kNodes; ++i) {
      if (all[i].role == "Sync Standby") return i;
    }
    return kNodes;
  }
  // One leader, and everybody else follows it.
  bool is_whole() {
    std::size_t leaders = 0;
    std::size_t synchronous = 0;
    for (auto const& member : members()) {
      if (member.state != "running" && member.state != "streaming") return false;
      leaders += member.role == "Leader" ? 1U : 0U;
      synchronous += member.role == "Sync Standby" ? 1U : 0U;
    }
    return leaders == 1 && synchronous >= 1;
  }

  std::string conninfo(std::size_t node) const {
    return "host=127.0.0.1 port=" + std::to_string(ports_[node]) +
           " user=postgres dbname=postgres connect_timeout=5";
  }
  dev::TextRows query(std::size_t node, std::string const& sql) const {
    auto const deadline = Deadline::in(std::chrono::seconds(10));
    return dev::AdminConnection(conninfo(node), deadline).query(sql, deadline);
  }
  // Takes it writes?
  bool writable(std::size_t node) const {
    try {
      return query(node, "select pg_is_in_recovery()")[0][0] == "f";
    } catch (Error const&) {
      return false;
    }
  }
  // What the engine is told: three servers, no roles.
  std::vector<cluster::NodeOptions> nodes() const {
    std::vector<cluster::NodeOptions> out;
    for (std::size_t i = 0; i < kNodes; ++i) {
      cluster::NodeOptions options;
      options.info = wire::Conninfo::parse(conninfo(i));
      options.name = name(i);
      out.push_back(std::move(options));
    }
    return out;
  }
  static std::string name(std::size_t node) { return "node" + std::to_string(node); }
  std::string log(std::size_t node) const {
    std::ifstream file(folder_ / (name(node) + ".log"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  static constexpr auto kLimit = "1700";

  static std::filesystem::path make_folder() {
    std::string pattern = "/tmp/moonpool-patroni.XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    return pattern;
  }
  // Free a moment ago, which is all that can be known.
  static int free_port() {
    int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE((::bind(fd, any, size) == 0 && ::getsockname(fd, any, &size) == 0));
    ::close(fd);
    return ntohs(address.sin_port);
  }
  static bool mentions(dev::Process const& process, std::string const& text) {
    for (auto const& word : process.words) {
      if (word.find(text) != std::string::npos) return true;
    }
    return false;
  }

  std::filesystem::path config(std::size_t node) const { return folder_ / (name(node) + ".yml"); }
  std::filesystem::path data(std::size_t node) const { return folder_ / name(node); }

  std::string settings(std::size_t node) const {
    auto const rest = "127.0.0.1:" + std::to_string(free_port());
    std::ostringstream out;
    out << "scope: moonpool\nname: " << name(node) << "\nrestapi:\n  listen: " << rest
        << "\n  connect_address: " << rest << "\netcd3:\n  hosts: 127.0.0.1:" << store_ << R"(
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 3
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters: {max_connections: 60, shared_buffers: 16MB, wal_log_hints: "on", fsync: "off"}
  initdb: [encoding: UTF8, locale: C, data-checksums]
  pg_hba: [local all all trust, host all all 127.0.0.1/32 trust, host replication all 127.0.0.1/32 trust]
postgresql:
  listen: 127.0.0.1:)"
        << ports_[node] << "\n  connect_address: 127.0.0.1:" << ports_[node]
        << "\n  data_dir: " << data(node).string()
        << "\n  bin_dir: " << dev::find_binaries(dev::binary_candidates()).folder.string()
        << "\n  pgpass: " << (folder_ / (name(node) + ".pass")).string()
        << "\n  authentication:\n    superuser: {username: postgres}\n    replication: {username: "
           "replicator}\n  parameters: {unix_socket_directories: '"
        << folder_.string() << "'}\nwatchdog: {mode: 'off'}\n";
    return out.str();
  }

  void launch(std::string const& program, std::vector<std::string> arguments,
              std::string const& log) {
    arguments.insert(arguments.begin(), {"--kill-after=5", kLimit, program});
    dev::SpawnRequest request;
    request.program = "/usr/bin/timeout";
    request.arguments = std::move(arguments);
    request.account = &account_;
    request.log = folder_ / log;
    request.session = true;
    launched_.push_back(dev::spawn(request));
  }

  std::string patronictl(std::vector<std::string> const& arguments) {
    dev::SpawnRequest request;
    request.program = "/usr/bin/patronictl";
    request.arguments = {"--config-file", config(0).string()};
    request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
    request.account = &account_;
    return dev::run(request, "", Deadline::in(std::chrono::seconds(60))).output;
  }

  // Its guardians first, so that nobody brings it back.
  void signal(std::size_t node, int number) const {
    for (auto const& process : dev::all_processes()) {
      bool const guards =
          mentions(process, config(node).string()) && !mentions(process, "patronictl");
      if (guards) ::kill(process.pid, number);
    }
    for (auto const& process : dev::processes_in(data(node))) {
      for (auto const& child : dev::children_of(process.pid)) ::kill(child.pid, number);
      ::kill(process.pid, number);
    }
  }

  dev::Account const account_;
  std::filesystem::path const folder_;
  int const store_ = free_port();
  int ports_[kNodes] = {};
  std::vector<pid_t> launched_;
};

}  // namespace moonpool::test
