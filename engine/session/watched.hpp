#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cluster/cluster.hpp"
#include "observe/hub.hpp"
#include "session/options.hpp"
#include "wire/connection.hpp"
#include "wire/statement.hpp"

namespace moonpool::session {

struct Answer;

// One execution of statements as observers, the audit and the log of slow statements see it: from its making
// until end(). Dropped before, it was cancelled. Costs two loads where nobody watches and nothing may be slow.
class Watched {
 public:
  // `node` and `statements` must live until its end.
  Watched(observe::Hub& hub, Habits const& habits, wire::Request const& statements,
          std::string_view node, std::string_view purpose, int attempt);
  // The text of a script, of a COPY, of a stream: `operation` names it, "" what the text itself does.
  Watched(observe::Hub& hub, Habits const& habits, std::string_view sql, std::string_view operation,
          std::string_view node, std::string_view purpose, int attempt);
  Watched(Watched const&) = delete;
  Watched& operator=(Watched const&) = delete;
  ~Watched();

  // Does anybody care?
  bool on() const { return on_; }
  void end(std::vector<wire::Reply> const& replies);
  void end(Error const* error, std::int64_t rows);
  // What the server said beside its answers (RAISE NOTICE, warnings), for the log: unless an observer is told of it.
  void said(std::vector<wire::Notice> const& notices) const;

 private:
  void begin();
  observe::Activity describe() const;
  void tell_end(Error const* error, std::int64_t rows, std::vector<wire::Reply> const* replies);
  void tell_audit(observe::Activity activity, std::vector<wire::Reply> const* replies);
  void tell_slow(observe::Activity const& activity);

  observe::Hub& hub_;
  Habits const& habits_;
  wire::Request const* const statements_;
  std::string_view const sql_;
  std::string_view const operation_;
  std::string_view const node_;
  std::string_view const purpose_;
  int const attempt_;
  bool const on_;
  TimePoint begun_{};
  std::uint64_t number_ = 0;
  bool told_ = false;
};

// Where an observer takes notices, it is told of them as they come on this connection, until its lease ends.
void hear(cluster::Placement& placement, std::shared_ptr<observe::Hub> hub, Habits const& habits);

// A transaction as observers and the audit see it, from the begin to its end.
class WatchedTransaction {
 public:
  WatchedTransaction(std::shared_ptr<observe::Hub> hub, Habits const& habits, std::string node);
  WatchedTransaction(WatchedTransaction const&) = delete;
  WatchedTransaction& operator=(WatchedTransaction const&) = delete;
  // Nobody ended it: its connection was closed.
  ~WatchedTransaction() { end("abandoned", nullptr); }

  // Once; later calls do nothing. `became`: committed, rolled_back, unknown.
  void end(std::string_view became, Error const* error) noexcept;

 private:
  std::shared_ptr<observe::Hub> const hub_;
  observe::Tag const tag_;
  std::string const who_;
  std::string const node_;
  TimePoint const begun_ = Clock::now();
  std::uint64_t number_ = 0;
  bool told_ = false;
};

// Finding a connection, from its making until one of the ends.
class WatchedAcquire {
 public:
  WatchedAcquire(observe::Hub& hub, Habits const& habits, cluster::Route route, int attempt);
  void found(cluster::Placement const& placement);
  void failed(Error const& error);

 private:
  void tell(std::string_view node, std::string_view purpose, Error const* error);

  observe::Hub& hub_;
  Habits const& habits_;
  cluster::Route const route_;
  int const attempt_;
  TimePoint const begun_;
};

// Puts the habits' comment behind each statement that has none.
void mark(wire::Request& statements, Habits const& habits);

// "$1=4 bytes, $2=null": what may be said of parameters.
std::string masked(std::vector<wire::Param> const& params);

}  // namespace moonpool::session
