// Lua states that share one pool, from threads of their own, and scripts that end while they hold a
// connection: by an error, by an interruption, by the end of their state. A transaction that is held
// for long is warned about with the lines that began it.
#include <fcntl.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "moonpool/script_host.hpp"
#include "support/catch.hpp"
#include "support/sanitized.hpp"

namespace {

using moonpool::Cluster;
using moonpool::Error;
using moonpool::ScriptHost;
using namespace std::chrono_literals;

Cluster connect(int max, std::string const& name,
                std::vector<std::pair<std::string, std::string>> more = {}) {
  char const* const primary = std::getenv("MOONPOOL_PRIMARY");
  if (primary == nullptr) throw Error(std::string("MOONPOOL_PRIMARY is not set"));
  more.emplace_back("health.interval", "0s");
  return Cluster::connect({.primary = std::string(primary) + " application_name=" + name,
                           .pool_max = max,
                           .more = std::move(more)});
}

bool eventually(std::function<bool()> const& fits) {
  auto const end = std::chrono::steady_clock::now() + 15s;
  while (!fits()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// Somebody who is not of that pool.
int sessions(std::string const& name, std::string const& more = "") {
  auto const witness = connect(1, "witness");
  ScriptHost lua{witness};
  return lua
      .run_string(
          "return db:query(\"select count(*) from pg_stat_activity where application_name = '" +
          name + "' " + more + "\"):scalar()")
      .as<int>();
}

TEST_CASE("threads with a Lua state each share one pool") {
  auto const cluster = connect(3, "faults_share");
  cluster.exec("drop table if exists faults_share");
  cluster.exec("create table faults_share (worker int, n int)");
  constexpr int kWorkers = 6;
  int const rounds = moonpool::test::kSanitized ? 10 : 40;
  std::atomic<int> done{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      try {
        ScriptHost lua{cluster};
        lua.set("worker", worker);
        lua.set("rounds", rounds);
        auto const right = lua.run_string(R"lua(
          local right = 0
          for i = 1, rounds do
            pcall(db.transaction, db, function(tx)
              tx:exec("insert into faults_share values (?, ?)", worker + 100, i)
              local pid = tx:query("select pg_backend_pid()"):scalar()
              local mine = tx:query("select ? || ':' || ?", tostring(worker), tostring(i)):scalar()
              if mine == worker .. ":" .. i and tx:query("select pg_backend_pid()"):scalar() == pid then
                right = right + 1
              end
              if i % 4 == 0 then error({ undo = true }) end
            end)
          end
          return right
        )lua");
        if (right.as<int>() != rounds) ++wrong;
        ++done;
      } catch (Error const&) {
        ++wrong;
      }
    });
  }
  std::atomic<bool> stop{false};
  std::atomic<int> most{0};
  std::thread witness([&] {
    while (!stop) {
      most = std::max(most.load(), sessions("faults_share"));
      std::this_thread::sleep_for(20ms);
    }
  });
  for (auto& worker : workers) worker.join();
  stop = true;
  witness.join();
  CHECK(done == kWorkers);
  CHECK(wrong == 0);
  CHECK(most <= 3);
  ScriptHost lua{cluster};
  auto const kept = lua.run_string(
      "return db:query('select count(*) from faults_share where worker >= 100'):scalar()");
  CHECK(kept.as<int>() == kWorkers * (rounds - rounds / 4));
}

TEST_CASE("a script that ends while it holds a connection gives it back, clean") {
  auto const cluster = connect(1, "faults_end");
  auto const held = [] { return sessions("faults_end", "and state like 'idle in transaction%'"); };
  auto const clean = [&] {
    ScriptHost lua{cluster};
    CHECK(lua.run_string("return db:query([[select current_setting('work_mem')]]):scalar()")
              .as<std::string>() == "4MB");
  };
  constexpr char kBegin[] =
      "tx = db:begin() tx:exec [[set work_mem = '1234kB']] tx:query [[select "
      "pg_advisory_xact_lock(5)]] ";
  SECTION("its state is closed") {
    {
      ScriptHost lua{cluster};
      lua.run_string(kBegin);
      CHECK(held() == 1);
    }
    clean();
  }
  SECTION("it raises inside a transaction function") {
    ScriptHost lua{cluster};
    CHECK_THROWS_AS(
        lua.run_string("db:transaction(function(tx) tx:exec [[set work_mem = '1234kB']] "
                       "error 'no' end)"),
        Error);
    clean();
  }
  SECTION("it is interrupted") {
    ScriptHost lua{cluster};
    std::atomic<bool> begun{false};
    std::thread killer([&] {
      begun = eventually([&] { return held() == 1; });
      lua.interrupt();
    });
    CHECK_THROWS_AS(lua.run_string("jit.off() db:transaction(function(tx) tx:exec [[set work_mem = "
                                   "'1234kB']] while true do end end)"),
                    Error);
    killer.join();
    CHECK(begun);
    clean();
  }
  SECTION("it forgets its handle") {
    ScriptHost lua{cluster};
    lua.run_string(std::string(kBegin) + " tx = nil collectgarbage() collectgarbage()");
    clean();
  }
  CHECK(eventually([&] { return held() == 0; }));
}

// What this process says on its standard error while it lives.
class Heard {
 public:
  Heard() : kept_(dup(STDERR_FILENO)) {
    int const file = open(path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    dup2(file, STDERR_FILENO);
    close(file);
  }
  ~Heard() {
    dup2(kept_, STDERR_FILENO);
    close(kept_);
    std::filesystem::remove(path_);
  }
  Heard(Heard const&) = delete;
  Heard& operator=(Heard const&) = delete;
  std::string text() const {
    std::ifstream in(path_);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("moonpool-heard-" + std::to_string(getpid()));
  int kept_;
};

TEST_CASE(
    "a transaction that is held for long is warned about once, with the lines that began it") {
  auto const cluster = connect(2, "faults_leak", {{"pool.leak_threshold", "200ms"}});
  ScriptHost lua{cluster};
  Heard const heard;
  lua.run_string(
      "local function open() kept = db:begin() end\n"
      "function work()\n"
      "  open()\n"
      "end\n"
      "work() kept:exec 'select 1'",
      "=leaky");
  CHECK(eventually([&] { return heard.text().find("pool.leak") != std::string::npos; }));
  std::this_thread::sleep_for(1200ms);
  auto const said = heard.text();
  INFO(said);
  CHECK(said.find("leaky:1 < leaky:3 < leaky:5") != std::string::npos);
  CHECK(said.find("pool.leak") == said.rfind("pool.leak"));
  lua.run_string("kept:rollback()");
}

}  // namespace
