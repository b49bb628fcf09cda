// A statement under way, for programs that have an event loop of their own: it never blocks. See examples/loop_epoll
// and examples/loop_asio.
//
//   moonpool::Pending read(session, MP_READ, "select name from users where id = $1", {7});
//   while (!read.step()) wait_for(read.fd(), read.wants_write(), read.timeout());   // your loop's part
//   auto rows = read.take();
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "moonpool/moonpool.hpp"

namespace moonpool {
inline namespace v1 {

class Pending {
 public:
  enum class Wakeup { ready = MP_READY, timed_out = MP_TIMED_OUT, cancelled = MP_CANCELLED };

  // Starts nothing yet: the first step() does. Any number may be under way on one session that stands for no
  // transaction; each takes a connection, or shares one, as the pool has them. `route`: MP_READ or MP_WRITE.
  // `timeout` for all of it; 0: the session's habit.
  Pending(Session& session, int route, std::string_view sql, std::vector<Param> const& params = {},
          std::chrono::milliseconds timeout = {}) {
    std::vector<mp_value> values;
    values.reserve(params.size());
    for (auto const& param : params) values.push_back(param.view());
    mp_statement const statement{sql.data(), sql.size(), values.data(), values.size()};
    mp_run_options options{};
    options.size = sizeof options;
    options.route = route;
    options.timeout = std::chrono::duration<double>(timeout).count();
    op_.reset(mp_run(session.handle(), &statement, 1, &options));
  }

  // As far as it goes without waiting; on one thread at a time. True when it has ended: then take(). False: step it
  // again when the descriptor is ready, with timed_out when the time has come, or with cancelled to end it early.
  bool step(Wakeup wakeup = Wakeup::ready) {
    return mp_op_step(op_.get(), static_cast<int>(wakeup), &wait_) != MP_PENDING;
  }

  // What it waits for, until the next step; -1: only the time. The descriptor is not yours and may be another one, under
  // the same number too, after each step: take it out of an epoll set before, and add it anew after.
  int fd() const { return wait_.fd; }
  bool wants_read() const { return (wait_.interest & MP_READABLE) != 0; }
  bool wants_write() const { return (wait_.interest & MP_WRITABLE) != 0; }
  // From the last step on; nullopt: without end.
  std::optional<std::chrono::milliseconds> timeout() const {
    if (wait_.timeout < 0) return std::nullopt;
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::duration<double>(wait_.timeout));
  }

  // The rows, or throws the Error. Once, after the end. Dropped before it, the statement is cancelled.
  Rows take() {
    if (auto const* error = mp_op_error(op_.get())) throw Error(error);
    return Rows(mp_op_result(op_.get(), 0));
  }

 private:
  detail::Handle<mp_op> op_;
  mp_wait wait_{-1, MP_NONE, -1, nullptr};
};

}  // namespace v1
}  // namespace moonpool
