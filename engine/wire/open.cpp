#include <pqxx/connection>
#include <pqxx/except>

#include "wire/connect_error.hpp"
#include "wire/connection.hpp"
#include "wire/pq.hpp"
#include "wire/raw_connection.hpp"
#include "wire/resolve.hpp"

namespace moonpool::wire {
namespace {

using async::Interest;
using async::Operation;
using async::Wait;
using async::Wakeup;

Error ended_early(Wakeup wakeup, Conninfo const& info) {
  if (wakeup == Wakeup::cancelled) {
    return Error(ErrorKind::cancelled, "cancelled while connecting to " + info.display())
        .at(Phase::connect, Outcome::not_sent);
  }
  return Error(ErrorKind::timeout, "no connection to " + info.display() + " within the deadline")
      .at(Phase::connect, Outcome::not_sent);
}

}  // namespace

Operation<std::unique_ptr<Connection>> Connection::open(Conninfo info, Options options,
                                                        Deadline deadline) {
  // Our defaults; whatever the user wrote wins. Encoding is not the user's: the whole library speaks UTF-8.
  info.set("client_encoding", "UTF8");
  info.set_default("fallback_application_name", "moonpool");
  info.set_default("keepalives_idle", "10");
  info.set_default("keepalives_interval", "3");
  info.set_default("keepalives_count", "3");
  info.set_default("tcp_user_timeout", "10000");
  // libpq would resolve names with a blocking call in the middle of connecting.
  auto const shown = info;
  auto resolving = resolve_host(info, deadline);
  info = co_await std::move(resolving);

  std::unique_ptr<RawConnection> raw;
  std::string problem;
  auto ended = Wakeup::ready;
  auto const text = info.reveal();
  try {
    pqxx::connecting connecting(pqxx::zview(text.reveal()));
    while (!connecting.done()) {
      auto const interest = connecting.wait_to_write() ? Interest::write : Interest::read;
      ended = co_await Wait{connecting.sock(), interest, deadline};
      if (ended != Wakeup::ready) break;
      connecting.process();
    }
    if (ended == Wakeup::ready) {
      raw = std::make_unique<RawConnection>(std::move(connecting).produce());
    }
  } catch (pqxx::failure const& failure) {
    problem = failure.what();
  }
  if (ended != Wakeup::ready) throw ended_early(ended, shown);
  if (!raw) throw connect_error(info.redactor().clean(std::move(problem)), shown);
  co_return std::unique_ptr<Connection>(new Connection(std::move(raw), options));
}

}  // namespace moonpool::wire
