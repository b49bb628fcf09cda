// Statements inside Asio: each is a coroutine of Asio's that waits for the library's descriptor, so it runs beside timers,
// sockets and whatever else the io_context has.
//
//   loop_asio       on the servers that MOONPOOL_PRIMARY and MOONPOOL_REPLICA (or DATABASE_URL) name
#include <asio.hpp>
#include <chrono>
#include <iostream>
#include <moonpool/pending.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using moonpool::Pending;

// Until the descriptor is ready or the time has come. The descriptor is lent to Asio for this one wait.
asio::awaitable<Pending::Wakeup> wait_for(Pending const& pending) {
  auto const executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  timer.expires_at(asio::steady_timer::time_point::max());
  if (auto const timeout = pending.timeout()) timer.expires_after(*timeout);
  if (pending.fd() < 0) {
    co_await timer.async_wait(asio::use_awaitable);
    co_return Pending::Wakeup::timed_out;
  }
  asio::posix::stream_descriptor descriptor(executor, pending.fd());
  bool timed_out = false;
  timer.async_wait([&](asio::error_code error) {
    if (error) return;
    timed_out = true;
    descriptor.cancel();
  });
  using Descriptor = asio::posix::stream_descriptor;
  asio::error_code error;
  auto const how = pending.wants_write() ? Descriptor::wait_write : Descriptor::wait_read;
  co_await descriptor.async_wait(how, asio::redirect_error(asio::use_awaitable, error));
  timer.cancel();
  descriptor.release();
  // The timer's handler refers to this frame.
  co_await asio::post(executor, asio::use_awaitable);
  co_return timed_out&& error ? Pending::Wakeup::timed_out : Pending::Wakeup::ready;
}

asio::awaitable<moonpool::Rows> read(moonpool::Session& session, std::string_view sql,
                                     std::vector<moonpool::Param> params,
                                     std::chrono::milliseconds timeout = {}) {
  Pending pending(session, MP_READ, sql, params, timeout);
  auto wakeup = Pending::Wakeup::ready;
  while (!pending.step(wakeup)) {
    auto waiting = wait_for(pending);
    wakeup = co_await std::move(waiting);
  }
  co_return pending.take();
}

// 20 reads, one after the other.
asio::awaitable<void> chain(moonpool::Session& session, int from, long& sum) {
  for (int number = from; number < from + 20; ++number) {
    // Step by step, because GCC 12 destroys temporaries around a co_await twice.
    std::vector<moonpool::Param> const params{number};
    auto reading = read(session, "select $1::int * 2", params);
    auto const rows = co_await std::move(reading);
    auto const doubled = rows[0][0].as<long>();
    if (doubled != 2L * number) throw std::runtime_error("somebody else's answer");
    sum += doubled;
  }
}

asio::awaitable<void> late(moonpool::Session& session, std::string& kind) {
  try {
    std::vector<moonpool::Param> const none;
    auto reading = read(session, "select pg_sleep(20)", none, std::chrono::milliseconds(300));
    co_await std::move(reading);
  } catch (moonpool::Error const& error) {
    kind = error.kind;
  }
}

}  // namespace

int main() {
  try {
    auto const cluster = moonpool::Cluster::connect({.pool_max = 4});
    auto session = cluster.session();
    asio::io_context context;
    auto const rethrow = [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    };
    long sum = 0;
    std::string kind;
    for (int i = 0; i < 64; ++i) asio::co_spawn(context, chain(session, i * 20 + 1, sum), rethrow);
    asio::co_spawn(context, late(session, kind), rethrow);
    context.run();
    std::cout << "1280 answers, their sum is " << sum << "; the late one: " << kind << '\n';
    bool const right = sum == 1280L * 1281 && kind == "timeout";
    return right ? 0 : 1;
  } catch (std::exception const& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
