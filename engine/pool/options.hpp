#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>

#include "base/time.hpp"
#include "observe/hub.hpp"

namespace moonpool::pool {

// How one pool behaves. A cluster has one pool a node and purpose.
struct PoolOptions {
  // Connections at most, at any instant, those being opened and closed included. Default 10. Too many
  // crowd the server (it slows down past a few a core); too few make callers wait.
  std::size_t max = 10;
  // Connections kept open without work. Default 0.
  std::size_t min = 0;
  // Callers that may wait at once; one more fails with pool_overloaded. 0: eight times max, at least 128.
  std::size_t max_waiters = 0;
  // Connections being opened at once. More of them turn a restart of the server into a stampede.
  std::size_t connecting_limit = 2;
  // How long a caller waits for a connection, inside its own deadline. Default 5 s.
  Duration acquire_timeout = std::chrono::seconds(5);
  // How long opening one connection may take. Default 10 s.
  Duration connect_timeout = std::chrono::seconds(10);
  // A connection unused for so long is closed, down to `min`. Default 10 min.
  Duration idle_timeout = std::chrono::minutes(10);
  // A connection older than this is closed when it is not in use; up to a tenth is taken off at random
  // so that they do not all go at once. Default 30 min. Short ones cost connects, long ones keep
  // connections on a server that was replaced behind the same name.
  Duration max_lifetime = std::chrono::minutes(30);
  // How long a connection whose work was cut short may take to come back in step before it is closed.
  Duration recover_timeout = std::chrono::seconds(2);

  // Statements each connection keeps prepared; 0 never prepares. Default 256.
  std::size_t statement_cache = 256;

  // A connection held for longer is warned about once, with who holds it. Default 30 s.
  Duration leak_threshold = std::chrono::seconds(30);
  // A connection unused for longer opens its next statement with an empty query. When the server has
  // ended it meanwhile, its last words answer that query, so the statement behind it is known not to
  // have run; a connection that is simply lost stays in doubt. Default 1 s.
  Duration verify_after = std::chrono::seconds(1);

  // An idle connection is asked for a sign of life this often (give or take a fifth), so that firewalls
  // do not forget it and a dead one is found before a caller does. Default 2 min; zero: never.
  Duration keepalive = std::chrono::minutes(2);

  // Where all connections are in use and no more may be opened, statements that stand alone are sent on a
  // connection behind those of others, so many at most on one. Default 16; 1: never. More of them wait for each
  // other on one connection; fewer wait for their turn outside.
  std::size_t share_depth = 16;
  // Nobody is sent behind a statement that has been running for longer, or has taken longer on the average
  // when it ran before. Default 10 ms. Longer ones hold up strangers; shorter ones leave connections alone
  // with statements that would not have held up anybody.
  Duration share_slow = std::chrono::milliseconds(10);

  // Who is told of what the pool does, and what it calls itself to them; nullptr: the log on stderr.
  std::shared_ptr<observe::Hub> hub = nullptr;
  std::string_view purpose = {};  // a literal: write, read, fallback

  std::size_t waiters_limit() const {
    return max_waiters != 0 ? max_waiters : std::max<std::size_t>(8 * max, 128);
  }
};

}  // namespace moonpool::pool
