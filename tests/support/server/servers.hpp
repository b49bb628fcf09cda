#pragma once

#include <string>
#include <string_view>
#include <thread>

#include "async/drive_blocking.hpp"
#include "dev/cluster.hpp"
#include "support/catch.hpp"
#include "wire/conninfo.hpp"
#include "wire/statement.hpp"

namespace moonpool::test {

// A private primary and one streaming replica, started when first asked for and gone with the process.
// A test that stops, freezes or promotes them leaves them as they were.
dev::Cluster& servers();
inline dev::Server& primary() { return servers().primary(); }
inline dev::Server& replica() { return servers().replica(); }

// "/path/.s.PGSQL.5432" of a server, for the proxy.
std::string socket_of(dev::Server const& server);

// How to connect to a server as the engine does; `more` is keyword=value text that is added.
wire::Conninfo conninfo(dev::Server const& server, std::string_view more = "");

// Runs SQL on the primary, as an independent witness; gives the first field of the first row.
std::string sql(std::string const& text);

// A name that no other test of this process has: "t_17".
std::string unique(std::string_view stem);

// Ends an operation on this thread.
template <class T>
T wait(async::Operation<T> operation) {
  return async::run_blocking(std::move(operation));
}

// Until `fits` gives true, or false at the limit.
template <class Fits>
bool eventually(Fits&& fits, Duration limit = std::chrono::seconds(10)) {
  auto const deadline = Deadline::in(limit);
  while (!fits()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// Sessions that the server has under this application name.
int sessions(std::string_view application_name);

// For how long a piece of work took.
class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - begun_).count();
  }

 private:
  TimePoint begun_ = Clock::now();
};

// A statement with text parameters; "\1NULL" is SQL NULL.
wire::Statement statement(std::string sql, std::vector<std::string> params = {});

// The error of a call that must fail.
template <class Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return Error(ErrorKind::internal, "");
}

}  // namespace moonpool::test
