#include "async/loop.hpp"

#include <poll.h>
#include <algorithm>
#include <cerrno>
#include <mutex>

namespace moonpool::async {

struct Loop::Inbox {
  std::mutex mutex;
  std::vector<Operation<void>> waiting;  // guarded by mutex
  bool stopped = false;                  // guarded by mutex
  Signal arrived;
};

Loop::Loop() : inbox_(std::make_unique<Inbox>()) {}

// What the operations own may spawn once more while it goes: the inbox must still be there to refuse.
Loop::~Loop() {
  stop();
  tasks_.clear();
}

void Loop::spawn(Operation<void> operation) {
  std::lock_guard const lock(inbox_->mutex);
  if (inbox_->stopped) return;
  inbox_->waiting.push_back(std::move(operation));
  inbox_->arrived.set();
}

void Loop::stop() {
  std::vector<Operation<void>> dropped;
  std::lock_guard const lock(inbox_->mutex);
  inbox_->stopped = true;
  dropped.swap(inbox_->waiting);
  inbox_->arrived.set();
}

void Loop::take_inbox() {
  inbox_->arrived.clear();
  std::vector<Operation<void>> arrived;
  {
    std::lock_guard const lock(inbox_->mutex);
    arrived.swap(inbox_->waiting);
  }
  for (auto& operation : arrived) {
    auto task = std::make_unique<Task>(std::move(operation));
    if (!task->step()) tasks_.push_back(std::move(task));
  }
}

void Loop::poll_once(Deadline deadline) {
  take_inbox();
  // A handful of descriptors: building the list each turn costs less than keeping an epoll set in step.
  std::vector<pollfd> watched;
  watched.reserve(tasks_.size() + 1);
  watched.push_back({inbox_->arrived.fd(), POLLIN, 0});
  for (auto const& task : tasks_) {
    auto const& wait = task->wait();
    bool const shared = wait.shared != nullptr;
    auto const wants = static_cast<unsigned>(shared ? Interest::read : wait.interest);
    auto const events = ((wants & 1U) != 0 ? POLLIN : 0) | ((wants & 2U) != 0 ? POLLOUT : 0);
    int const fd = shared ? wait.shared->descriptor() : wait.fd;
    watched.push_back({wants == 0 ? -1 : fd, static_cast<short>(events), 0});
    deadline = deadline.earlier(wait.deadline);
  }
  int timeout = -1;
  if (!deadline.is_never()) {
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count();
    timeout = static_cast<int>(std::min<decltype(left)>(left, 1'000'000'000));
  }
  bool const broken_off = poll(watched.data(), watched.size(), timeout) < 0 && errno == EINTR;
  for (auto const& task : tasks_) {
    if (auto* const shared = task->wait().shared) shared->end(true);
  }
  if (broken_off) return;
  auto const now = Clock::now();
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    auto const* shared = tasks_[i]->wait().shared;
    bool const ready = watched[i + 1].revents != 0 || (shared != nullptr && shared->is_over());
    if (!ready && !tasks_[i]->wait().deadline.passed(now)) continue;
    if (tasks_[i]->step(ready ? Wakeup::ready : Wakeup::timed_out)) tasks_[i].reset();
  }
  std::erase(tasks_, nullptr);
}

void Loop::run() {
  for (;;) {
    {
      std::lock_guard const lock(inbox_->mutex);
      if (inbox_->stopped) break;
    }
    poll_once(Deadline::never());
  }
  tasks_.clear();
}

}  // namespace moonpool::async
