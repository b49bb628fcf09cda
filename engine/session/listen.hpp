#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/cluster.hpp"
#include "session/options.hpp"
#include "wire/listen.hpp"

namespace moonpool::session {

struct ListenOptions {
  // After this long without a sign of the server it is asked for one, by a note to itself. Default 15 s.
  // A connection that died without a word is noticed no sooner.
  Duration probe_every = std::chrono::seconds(15);
  // So long it has to answer. Default 5 s.
  Duration probe_timeout = std::chrono::seconds(5);
  // For the first connection. Zero: the session's habit.
  Duration timeout = Duration::zero();
};

// A note, or a gap: the connection was lost, and notes that were sent since `since` may be too.
struct Note {
  std::string channel;
  std::string payload;
  int backend_pid = 0;
  bool gap = false;
  std::string since;  // of a gap: the server's time when it was last heard of, as SQL reads it
};

// Listens to channels on a connection of its own, to the primary, wherever that is: after a loss it listens
// again before it says so. Notes come only while somebody waits for them; until then the server keeps
// them. Threads: one at a time. One operation at a time.
class Listener {
 public:
  Listener(std::shared_ptr<cluster::Cluster> cluster, std::vector<std::string> channels,
           ListenOptions options, policy::RetryOptions retry);

  // Throws Error; call next() or this again to go on trying.
  async::Operation<void> start(Deadline deadline);

  // The next note or gap; nullopt when the deadline has passed and the connection is sound. Throws Error
  // when it was lost and could not be replaced by then, or never can be; later calls try again.
  async::Operation<std::optional<Note>> next(Deadline deadline);

  std::string const& node() const { return node_; }
  // Lets go of the connection. REQUIRES: nobody waits.
  void close() noexcept;

 private:
  async::Operation<void> connect(Deadline deadline);
  async::Operation<void> reconnect(Deadline deadline);
  bool sound();
  bool deposed() const;
  void lose() noexcept;
  std::optional<Note> take();

  std::shared_ptr<cluster::Cluster> const cluster_;
  std::vector<std::string> const channels_;
  ListenOptions const options_;
  policy::RetryOptions const retry_;
  std::string const probe_channel_;
  std::shared_ptr<cluster::Node> where_;
  std::string node_;
  std::unique_ptr<wire::Connection> connection_;
  std::optional<wire::Listening> listening_;
  std::deque<wire::Note> arrived_;
  std::deque<Note> ready_;
  std::string since_;
  TimePoint heard_;
  TimePoint asked_;
  bool echoed_ = true;  // the note to ourselves has come, or none was sent
  bool started_ = false;
  bool closed_ = false;
};

}  // namespace moonpool::session
