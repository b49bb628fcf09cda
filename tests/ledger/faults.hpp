#pragma once

#include <iostream>
#include <random>

#include "ledger/clients.hpp"

namespace moonpool::test {

// Harm in an order that the seed decides: one fault after the other, each healed before the next, with messages bent
// on their way in between.
class Faults {
 public:
  Faults(Field& field, Clients& clients, std::uint64_t seed)
      : field_(field), clients_(clients), chance_(seed) {}

  // The next fault, from beginning to end.
  void strike() {
    struct Kind {
      char const* name;
      bool primary;  // its harm is the primary's, or everybody's
      void (Faults::*act)();
    };
    static constexpr Kind kKinds[] = {
        {"kill replica", false, &Faults::kill_replica},
        {"freeze replica", false, &Faults::freeze_replica},
        {"pause replay", false, &Faults::pause_replay},
        {"cut replica", false, &Faults::cut_replica},
        {"shut replica", false, &Faults::shut_replica},
        {"bend replica", false, &Faults::bend_replica},
        {"terminate on replica", false, &Faults::terminate_on_replica},
        {"restart primary", true, &Faults::restart_primary},
        {"crash primary", true, &Faults::crash_primary},
        {"freeze primary", true, &Faults::freeze_primary},
        {"cut primary", true, &Faults::cut_primary},
        {"shut primary", true, &Faults::shut_primary},
        {"bend primary", true, &Faults::bend_primary},
        {"bend primary", true, &Faults::bend_primary},
        {"terminate on primary", true, &Faults::terminate_on_primary},
        {"kill and promote", true, &Faults::kill_and_promote},
        {"freeze and promote", true, &Faults::freeze_and_promote},
        {"switch over", true, &Faults::switch_over},
    };
    auto const& kind = kKinds[below(std::size(kKinds))];
    std::cerr << "  " << clients_.seconds() << " s: " << kind.name << std::flush;
    ++struck_[kind.name];
    if (kind.primary) clients_.reads_may_fail(true);
    (this->*kind.act)();
    field_.heal();
    auto const before = clients_.acknowledged();
    bool const writes =
        eventually([&] { return clients_.acknowledged() > before + 20; }, std::chrono::seconds(20));
    if (!writes) stuck_.push_back(std::string("no writes after: ") + kind.name);
    if (kind.primary) {
      pause(1500);
      clients_.reads_may_fail(false);
    }
    std::cerr << (writes ? "\n" : " (NO WRITES AFTERWARDS)\n");
    pause(200 + below(500));
  }

  std::map<std::string, int> const& struck() const { return struck_; }
  std::vector<std::string> const& stuck() const { return stuck_; }
  // From the moment a new primary takes writes to the first one that is acknowledged, in milliseconds.
  std::vector<double> const& resumed() const { return resumed_; }
  int bent() const { return bent_; }

 private:
  using Act = moonpool::test::Act;

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(chance_()) % n; }
  static void pause(std::size_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }
  std::size_t some_replica() { return field_.other(below(2)); }
  void a_while() { pause(300 + below(2500)); }

  void kill_replica() {
    auto& server = field_.server(some_replica());
    server.kill_hard();
    a_while();
  }
  void freeze(dev::Server& server) {
    if (below(3) == 0) {
      server.freeze_postmaster();
    } else {
      server.freeze();
    }
    a_while();
    server.thaw();
  }
  void freeze_replica() { freeze(field_.server(some_replica())); }
  void freeze_primary() { freeze(field_.lead()); }
  void pause_replay() {
    field_.server(some_replica()).pause_replay();
    a_while();
  }
  void cut_replica() { field_.proxy(some_replica()).cut_all(); }
  void cut_primary() { field_.proxy(field_.lead_index()).cut_all(); }
  void shut(std::size_t i) {
    static constexpr Proxy::Door kDoors[] = {Proxy::Door::refuse, Proxy::Door::hang,
                                             Proxy::Door::slam};
    field_.proxy(i).door(kDoors[below(3)]);
    if (below(2) == 0) field_.proxy(i).cut_all();
    a_while();
  }
  void shut_replica() { shut(some_replica()); }
  void shut_primary() { shut(field_.lead_index()); }

  // Cut, hold, delay, lose: met by messages on their way, several times over.
  void bend(std::size_t i) {
    auto& proxy = field_.proxy(i);
    for (int round = 0; round < 3; ++round) {
      static constexpr Act kActs[] = {Act::cut_before, Act::cut_after, Act::cut_at,   Act::hold,
                                      Act::delay,      Act::swallow,   Act::blackhole};
      Rule rule;
      rule.act = kActs[below(std::size(kActs))];
      rule.side = below(2) == 0 ? Side::frontend : Side::backend;
      // A network loses the end of a stream, never a message out of its middle; a Sync and its answer end one.
      static constexpr char kFrontend[] = {0, 'P', 'B', 'E', 'S'};
      static constexpr char kBackend[] = {0, '1', '2', 'C', 'Z'};
      rule.type = rule.side == Side::frontend ? kFrontend[below(5)] : kBackend[below(5)];
      if (rule.act == Act::swallow) rule.type = rule.side == Side::frontend ? 'S' : 'Z';
      rule.nth = 1 + static_cast<int>(below(30));
      rule.byte = below(6);
      rule.duration = std::chrono::milliseconds(100 + below(1500));
      auto const number = proxy.add(rule);
      if (proxy.wait_for_hits(number, 1, std::chrono::milliseconds(1500))) ++bent_;
      if (rule.act == Act::hold) pause(below(1500));
      proxy.release(number);
    }
    // What was lost on the way stays lost until somebody is told, or gives up waiting for it.
    pause(below(1000));
    if (below(2) == 0) proxy.cut_all();
  }
  void bend_replica() { bend(some_replica()); }
  void bend_primary() { bend(field_.lead_index()); }

  // Those that wait for their standbys have committed already: ended, they could be lost with this server.
  void terminate(dev::Server& server) {
    for (int i = 0; i < 5; ++i) {
      server.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
          "'ledger' "
          "and wait_event is distinct from 'SyncRep' and random() < 0.5");
      pause(50 + below(200));
    }
  }
  void terminate_on_replica() { terminate(field_.server(some_replica())); }
  void terminate_on_primary() { terminate(field_.lead()); }

  void restart_primary() {
    field_.lead().restart(below(2) == 0 ? dev::StopMode::fast : dev::StopMode::immediate);
  }
  void crash_primary() {
    field_.lead().kill_hard();
    pause(below(1000));
    field_.lead().start();
  }

  void fail_over() {
    field_.fail_over();
    Stopwatch const watch;
    auto const before = clients_.acknowledged();
    if (eventually([&] { return clients_.acknowledged() > before; }, std::chrono::seconds(20))) {
      resumed_.push_back(watch.milliseconds());
    }
  }
  void kill_and_promote() {
    auto const old = field_.lead_index();
    field_.lead().kill_hard();
    pause(below(1500));
    fail_over();
    // It comes back as it was, which nobody must believe.
    if (below(2) == 0) {
      field_.server(old).start();
      a_while();
      field_.server(old).kill_hard();
    }
    field_.rejoin(old);
  }
  void freeze_and_promote() {
    auto const old = field_.lead_index();
    field_.lead().freeze();
    pause(below(1500));
    fail_over();
    field_.server(old).thaw();
    a_while();
    field_.server(old).kill_hard();
    field_.rejoin(old);
  }
  void switch_over() {
    auto const old = field_.lead_index();
    field_.lead().stop(dev::StopMode::fast);
    fail_over();
    field_.rejoin(old);
  }

  Field& field_;
  Clients& clients_;
  std::mt19937_64 chance_;
  std::map<std::string, int> struck_;
  std::vector<std::string> stuck_;
  std::vector<double> resumed_;
  int bent_ = 0;
};

}  // namespace moonpool::test
