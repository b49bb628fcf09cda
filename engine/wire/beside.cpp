#include "wire/beside.hpp"

#include <system_error>
#include <thread>

#include "async/signal.hpp"
#include "base/error.hpp"

namespace moonpool::wire {

async::Operation<bool> run_beside(std::function<void()> work, Deadline deadline) {
  // Shared by both threads, because either may end first.
  auto finished = std::make_shared<async::Signal>();
  try {
    std::thread([finished, work = std::move(work)] {
      work();
      finished->set();
    }).detach();
  } catch (std::system_error const& problem) {
    throw Error(ErrorKind::environment, std::string("cannot start a thread: ") + problem.what());
  }
  auto waiting = finished->wait(deadline);
  auto const wakeup = co_await std::move(waiting);
  co_return wakeup == async::Wakeup::ready;
}

}  // namespace moonpool::wire
