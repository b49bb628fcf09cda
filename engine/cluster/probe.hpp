#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/operation.hpp"
#include "base/error.hpp"
#include "policy/authority.hpp"
#include "policy/silence.hpp"
#include "wire/connection.hpp"
#include "wire/conninfo.hpp"

namespace moonpool::cluster {

// What came of looking at one server.
struct Finding {
  TimePoint at{};
  std::optional<policy::Sighting> seen;
  std::optional<Error> failure;     // when nothing was seen
  double clock = 0;                 // the server's, in seconds
  std::optional<double> committed;  // by that clock: when the last commit it applied was made
  Duration round_trip{};
  bool knows_timeline = false;  // a standby's, too, is that of what it receives
};

// Looks at one server, on a connection of its own that is kept between looks: one round trip.
// Threads: one at a time.
class Prober {
 public:
  // `life`: so old a connection is opened anew, because the name may lead elsewhere by now.
  Prober(wire::Conninfo info, wire::Connection::Options options, Duration life)
      : info_(std::move(info)), options_(options), life_(life) {}

  // Never throws.
  async::Operation<Finding> look(Deadline deadline);
  // What the server says of these backends of the same login, in one round trip. Nothing where it does not say,
  // or where somebody in between gives sessions other numbers. Never throws.
  async::Operation<std::vector<policy::Backend>> ask_about(std::vector<int> pids,
                                                           Deadline deadline);

 private:
  async::Operation<Finding> try_to_look(Deadline deadline);
  async::Operation<void> renew(Deadline deadline);

  wire::Conninfo const info_;
  wire::Connection::Options const options_;
  Duration const life_;
  std::unique_ptr<wire::Connection> connection_;
  TimePoint opened_{};
  // This login may not ask for the server's history, or the server is none of PostgreSQL's own.
  bool only_role_ = false;
};

}  // namespace moonpool::cluster
