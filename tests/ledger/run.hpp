#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>

#include "ledger/faults.hpp"
#include "observe/hub.hpp"

namespace moonpool::test {

inline std::uint64_t number_in_environment(char const* name, std::uint64_t otherwise) {
  auto const* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

// Counts the commits that the engine says were not waited for by a standby; shows every line where that was asked.
class Hearer final : public observe::Observer {
 public:
  explicit Hearer(bool shown) : shown_(shown) {}
  void see(observe::Activity const&) noexcept override {}
  void read(observe::Event const& line) noexcept override {
    if (line.name == "commit.local") ++committed_locally;
    if (!shown_) return;
    std::lock_guard const lock(mutex_);
    std::cerr << "    " << watch_.milliseconds() / 1000 << " " << line.name << ": " << line.message
              << "\n";
  }
  std::atomic<int> committed_locally{0};

 private:
  bool const shown_;
  Stopwatch const watch_;
  std::mutex mutex_;
};

// Random faults for so long, then the books are compared with the database. MOONPOOL_LEDGER_SEED replays a run's
// faults, MOONPOOL_LEDGER_SECONDS says how long it lasts, MOONPOOL_LEDGER_LOG=1 shows what the engine says meanwhile.
// `scarce`: with two connections a server, so that what stands alone, writes too, shares them.
inline void run_ledger(std::uint64_t seconds, bool scarce = false) {
  auto const seed = number_in_environment("MOONPOOL_LEDGER_SEED", std::random_device()());
  seconds = number_in_environment("MOONPOOL_LEDGER_SECONDS", seconds);
  std::cerr << "ledger: MOONPOOL_LEDGER_SEED=" << seed << " MOONPOOL_LEDGER_SECONDS=" << seconds
            << "\n";
  UNSCOPED_INFO("replay with MOONPOOL_LEDGER_SEED=" << seed);
  auto const hearer =
      std::make_shared<Hearer>(number_in_environment("MOONPOOL_LEDGER_LOG", 0) != 0);
  auto& committed_locally = hearer->committed_locally;
  {
    session::Habits habits;
    habits.timeout = std::chrono::seconds(8);
    cluster::ClusterOptions options;
    if (scarce) {
      options.pool.max = 2;
      habits.share = session::Share::all;
    }
    options.hub = std::make_shared<observe::Hub>(observe::LogOptions{});
    options.hub->add(hearer, 0, observe::Level::info);
    Field field(options, habits);
    field.lead().query("create table ledger (client int, op int, part int)");
    field.lead().query("create index on ledger (client, op)");
    for (auto which : {0, 1}) {
      field.server(field.other(static_cast<std::size_t>(which)))
          .wait_until_replayed(field.lead().wal_position());
    }
    Clients clients(field, 6, 4);
    Faults faults(field, clients, seed);
    while (clients.seconds() < static_cast<double>(seconds)) faults.strike();
    clients.stop();
    auto const verdict = audit(clients.books(), field.lead());

    std::cerr << "ledger: " << clients.seconds() << " s, " << verdict.done << " done, "
              << verdict.nothing << " nothing, " << verdict.unknown << " unknown ("
              << verdict.unknown_there << " there), " << clients.reads() << " reads, "
              << clients.failed_reads() << " failed, " << faults.bent() << " messages bent, "
              << committed_locally << " committed locally\n";
    std::cerr << "ledger: LOST " << verdict.lost << ", DUPLICATE " << verdict.duplicate
              << ", PHANTOM " << verdict.phantom << ", READS " << clients.findings().size() << "\n";
    for (auto const& [name, times] : faults.struck())
      std::cerr << "  " << times << "× " << name << "\n";
    for (auto const& [name, times] : clients.complaints())
      std::cerr << "  " << times << "× " << name << "\n";
    std::cerr << "  writes resumed after ms:";
    for (auto ms : faults.resumed()) std::cerr << " " << static_cast<int>(ms);
    std::cerr << "\n";
    for (auto const& finding : verdict.findings) std::cerr << finding << "\n";
    auto findings = clients.findings();
    if (findings.size() > 20) findings.resize(20);
    for (auto const& finding : findings) std::cerr << finding << "\n";
    // A commit that its server did not let wait for a standby may go with that server; the engine has said so.
    CHECK(verdict.lost <= committed_locally);
    CHECK(verdict.duplicate == 0);
    CHECK(verdict.phantom == 0);
    CHECK(clients.findings().empty());
    CHECK(faults.stuck().empty());
    CHECK(verdict.done > 0);
    // Two seconds is the promise; a machine that is busy with something else may be late now and then.
    auto resumed = faults.resumed();
    std::ranges::sort(resumed);
    if (!resumed.empty()) {
      CHECK(resumed[resumed.size() / 2] < 2'000);
      CHECK(resumed.back() < 10'000);
    }
    field.heal();
  }
}

}  // namespace moonpool::test
