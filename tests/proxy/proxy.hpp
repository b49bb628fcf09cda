#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "async/signal.hpp"
#include "proxy/link.hpp"
#include "proxy/rule.hpp"

namespace moonpool::test {

// Stands between clients and a PostgreSQL server on Unix sockets, knows the protocol, counts round
// trips, and bends what rules tell it to bend: a fault is triggered by a message, never by the clock,
// and the log says what it hit.
//
// Runs on a thread of its own while it lives. Every method may be called from any thread.
class Proxy {
 public:
  // How a new client is met.
  enum class Door : std::uint8_t {
    open,
    refuse,  // nobody listens
    hang,    // accepted, and never spoken to
    slam,    // accepted and closed
  };

  // `server`: the server's socket, "/path/.s.PGSQL.5432".
  explicit Proxy(std::string server);
  ~Proxy();
  Proxy(Proxy const&) = delete;
  Proxy& operator=(Proxy const&) = delete;

  // host=… port=… of this proxy, for a connection string.
  std::string conninfo() const;
  std::string const& folder() const { return folder_; }
  int port() const { return 5432; }

  // Gives the rule's number. Rules are asked in the order they were added; the first that fits acts.
  int add(Rule rule);
  void cut(OffsetCut cut);
  // Lets go of what a rule holds, and forgets the rule.
  void release(int rule);
  // Forgets all rules and lets go of everything.
  void clear();
  int hits(int rule) const;
  // Until the rule has met its message so often; false at the deadline.
  bool wait_for_hits(int rule, int count = 1, Duration limit = std::chrono::seconds(10)) const;

  void door(Door door);
  // Hold answers back until the client has been silent for so long and no other thread of this process is at
  // work, and count what it then got as one round trip. Zero, the default: pass on at once; round trips are then
  // an upper bound.
  void patience(Duration duration);
  // Everything passes byte by byte.
  void slice(bool on);

  // Times that a client asked and was answered, on all connections, cancel requests excepted.
  int round_trips() const;
  void reset_round_trips();
  // Clients that are connected now; those of cancel requests excepted.
  int live() const;
  // Connections that were accepted so far; cancel requests included.
  int accepted() const;
  void cut_all();

  std::vector<Event> log() const;
  void clear_log();

 private:
  struct Standing {
    int number = 0;
    Rule rule;
    int seen = 0;
    int hits = 0;
  };

  void run();
  void listen();
  void stop_listening();
  void accept_all();
  Verdict judge(Link& link, Side side, Message const& message);
  Link::Judge judge_function() {
    return [this](Link& link, Side side, Message const& message) {
      return judge(link, side, message);
    };
  }
  void wake() { signal_.set(); }

  std::string const server_;
  std::string folder_;
  async::Signal signal_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  int listener_ = -1;
  Door door_ = Door::open;
  std::list<std::unique_ptr<Link>> links_;
  std::vector<int> hanging_;  // clients met by Door::hang
  std::vector<Standing> rules_;
  std::vector<OffsetCut> cuts_;
  std::vector<Event> log_;
  Duration patience_{};
  bool slice_ = false;
  int accepted_ = 0;
  int numbers_ = 0;
  int turns_of_the_gone_ = 0;
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace moonpool::test
