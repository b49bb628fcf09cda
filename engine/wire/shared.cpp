#include "wire/shared.hpp"

#include <sys/epoll.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "async/signal.hpp"
#include "base/error.hpp"
#include "wire/check.hpp"
#include "wire/pq.hpp"
#include "wire/raw_connection.hpp"

namespace moonpool::wire {

using async::Interest;
using async::Operation;
using async::Wakeup;

namespace {

using Ticks = Clock::rep;

// Longer than a call that finds the socket readable.
constexpr Ticks kAsleep = Clock::duration(std::chrono::microseconds(20)).count();
constexpr Ticks kTimely = Clock::duration(std::chrono::milliseconds(1)).count();

Ticks ticks() { return Clock::now().time_since_epoch().count(); }

}  // namespace

// Wakes one rider.
struct Shared::Bell {
  async::Signal signal;
  int both = -1;

  Bell() = default;
  Bell(Bell const&) = delete;
  Bell& operator=(Bell const&) = delete;
  ~Bell() {
    if (both >= 0) close(both);
  }

  // One descriptor for the signal and the socket.
  int with(int socket, bool writing) {
    int how = EPOLL_CTL_MOD;
    if (both < 0) {
      both = epoll_create1(EPOLL_CLOEXEC);
      epoll_event wanted{EPOLLIN, {}};
      if (both < 0 || epoll_ctl(both, EPOLL_CTL_ADD, signal.fd(), &wanted) != 0) {
        throw Error(ErrorKind::environment, "cannot make a descriptor to wait by");
      }
      how = EPOLL_CTL_ADD;
    }
    epoll_event wanted{EPOLLIN | (writing ? EPOLLOUT : 0U), {}};
    if (epoll_ctl(both, how, socket, &wanted) != 0 && errno == ENOENT) {
      epoll_ctl(both, EPOLL_CTL_ADD, socket, &wanted);
    }
    return both;
  }
};

// One request under way. Asleep, its driver waits: as the reader at the socket, with the reader of its own
// thread, or by a bell.
class Shared::Rider : public async::SharedWait {
 public:
  Rider(Shared& shared, Request const& request)
      : shared_(shared), exchange_(std::in_place, shared.connection_, request) {}
  Rider(Rider const&) = delete;
  Rider& operator=(Rider const&) = delete;
  ~Rider() override {
    // The others have nothing to do with it any more: as a rule it has all its answers, and slept with a reader.
    if (settled_ && !bell_) return;
    std::lock_guard const lock(shared_.mutex_);
    leave();
    if (bell_) {
      if (rung_) bell_->signal.clear();
      shared_.bells_.push_back(std::move(bell_));
    }
    // Under the lock: what is owed to it becomes nobody's.
    exchange_.reset();
  }

  void send(Asks const& asks) {
    std::lock_guard const lock(shared_.mutex_);
    auto& connection = shared_.connection_;
    if (!connection.is_open()) {
      exchange_->lose(Error(ErrorKind::connection, "the connection was lost before this was sent")
                          .at(Phase::acquire, Outcome::not_sent));
      over_ = true;
      return;
    }
    if (connection.expected_.empty()) {
      connection.notices_.clear();
      shared_.turn_began_ = ticks();
    }
    shared_.riders_.push_back(this);
    connection.begin(*exchange_, asks, false);
    // libpq may have had to read in order to send; the reader would not hear of that.
    shared_.look(false);
  }

  // Gives up: its answers will be read and dropped.
  void give_up(Wakeup wakeup) {
    std::lock_guard const lock(shared_.mutex_);
    if (over_) return;
    over_ = true;
    exchange_->lose(shared_.connection_.loss(wakeup));
    exchange_->abandon();
    bool const on_turn = !shared_.riders_.empty() && shared_.riders_.front() == this;
    if (on_turn) took_ += ticks() - shared_.turn_began_;
    leave();
  }

  std::vector<Reply> take(Told* told) {
    // It was over, so nobody else touches it.
    settled_ = exchange_->is_settled();
    *told = exchange_->told();
    told->took = Duration(took_);
    return exchange_->take();
  }

  bool begin(Watch& watch) override {
    std::lock_guard const lock(shared_.mutex_);
    if (over_) return false;
    if (shared_.reader_ == this) shared_.reader_ = nullptr;
    auto* const reader = shared_.reader_;
    thread_ = std::this_thread::get_id();
    with_reader_ = reader != nullptr && reader->thread_ == thread_;
    by_descriptor_ = false;
    if (!with_reader_ && !bell_) bell_ = shared_.take_bell();
    asleep_ = true;
    if (with_reader_) return true;
    int const bell = bell_->signal.fd();
    if (reader != nullptr) {
      watch = {bell, Interest::read, -1};
      return true;
    }
    watch.bell = bell;
    shared_.reader_ = this;
    began_ = ticks();
    auto* const raw = shared_.connection_.raw_->get();
    watch.fd = pq::socket_of(raw);
    watch.interest = pq::flush(raw) == 1 ? Interest::read_write : Interest::read;
    return true;
  }

  void end(bool ready) override {
    std::lock_guard const lock(shared_.mutex_);
    if (!asleep_) return;
    asleep_ = false;
    if (std::exchange(rung_, false)) bell_->signal.clear();
    bool const read = shared_.reader_ == this;
    if (read) shared_.reader_ = nullptr;
    if (read && ready) shared_.read(ticks() - began_ > kAsleep);
    if (by_descriptor_ && ready) shared_.read(false);
    if (read) shared_.call_reader();
  }

  bool is_over() const override { return over_; }

  // Its loop may be away for long, and nobody should have to wait for it: it does not become the reader.
  int descriptor() override {
    std::lock_guard const lock(shared_.mutex_);
    if (shared_.reader_ == this) shared_.reader_ = nullptr;
    if (!bell_) bell_ = shared_.take_bell();
    auto* const raw = shared_.connection_.raw_->get();
    int const both = bell_->with(pq::socket_of(raw), pq::flush(raw) == 1);
    asleep_ = by_descriptor_ = true;
    with_reader_ = false;
    if (over_) ring();
    return both;
  }

 private:
  friend class Shared;

  void leave() {
    std::erase(shared_.riders_, this);
    if (shared_.riders_.empty()) shared_.connection_.reach()->await(false);
    if (shared_.reader_ == this) {
      shared_.reader_ = nullptr;
      shared_.call_reader();
    }
    asleep_ = false;
  }

  void ring() {
    if (std::exchange(rung_, true)) return;
    bell_->signal.set();
  }

  Shared& shared_;
  std::atomic<bool> over_ = false;  // written under the lock, after all else
  bool settled_ = false;            // over, with every answer that was owed to it
  std::optional<Exchange> exchange_;
  // Guarded by the lock of shared_.
  std::unique_ptr<Bell> bell_;
  bool asleep_ = false;
  bool with_reader_ = false;
  bool by_descriptor_ = false;
  bool rung_ = false;
  std::thread::id thread_;  // whose driver waits, while asleep
  Ticks began_ = 0;         // of the wait, as the reader
  Ticks took_ = 0;          // on turn
};

Shared::Shared(Connection& connection)
    : connection_(connection), standby_(connection.on_standby()) {}
Shared::~Shared() = default;

std::unique_ptr<Shared::Bell> Shared::take_bell() {
  if (bells_.empty()) return std::make_unique<Bell>();
  auto bell = std::move(bells_.back());
  bells_.pop_back();
  return bell;
}

void Shared::tell(Rider& rider) {
  if (!rider.asleep_) return;
  if (!rider.with_reader_) {
    rider.ring();
  } else if (reader_ != nullptr) {
    // One that sleeps with a reader is looked at when that one wakes.
    reader_->ring();
  }
}

// Somebody who waits by a bell goes to the socket. One whose thread has just been reading comes back by itself.
void Shared::call_reader() {
  if (reader_ != nullptr) return;
  for (auto* rider : riders_) {
    if (rider->asleep_ && !rider->with_reader_ && !rider->by_descriptor_) return rider->ring();
  }
}

void Shared::end_first() {
  auto& rider = *riders_.front();
  riders_.pop_front();
  tell(rider);
  rider.over_ = true;
}

void Shared::note_state() {
  auto& connection = connection_;
  open_ = connection.is_open();
  changed_ = connection.session_changed();
  standby_ = connection.on_standby();
  if (connection.expected_.empty()) turn_began_ = 0;
  connection.reach()->await(!riders_.empty());
}

// Of one that somebody waited for it is known when it came; of one that was there already when somebody came
// to look, only that it was not there the last time.
void Shared::look(bool waited) {
  auto& owed = connection_.expected_;
  using What = Connection::Expected::What;
  std::optional<bool> timely;
  while (!owed.empty() && connection_.is_open() && !pq::is_busy(connection_.raw_->get())) {
    auto const before = owed.size();
    auto const what = owed.front().what;
    auto const* const of = owed.front().of;
    connection_.take_answer();
    bool const sync = what == What::sync || what == What::cleared;
    if (sync && owed.size() < before) {
      auto const now = ticks();
      if (!timely) timely = waited || now - turn_began_ < kTimely;
      auto* const first = riders_.empty() ? nullptr : riders_.front();
      if (first != nullptr && &*first->exchange_ == of && *timely) {
        first->took_ += std::max<Ticks>(now - turn_began_, 1);
      }
      turn_began_ = now;
    }
    while (!riders_.empty() && riders_.front()->exchange_->is_over()) end_first();
  }
  if (!connection_.is_open()) {
    connection_.lose(connection_.loss(Wakeup::ready));
    while (!riders_.empty()) end_first();
  }
  note_state();
}

void Shared::read(bool waited) {
  auto* const raw = connection_.raw_->get();
  connection_.reach()->stir();
  if (!riders_.empty() && connection_.is_open()) {
    pq::flush(raw);
    if (!pq::consume(raw)) connection_.lose(connection_.loss(Wakeup::ready));
  }
  look(waited);
}

Duration Shared::running_for(TimePoint now) const {
  auto const began = turn_began_.load();
  if (began == 0) return Duration::zero();
  return std::max(Duration::zero(), now - TimePoint(Clock::duration(began)));
}

Operation<std::vector<Reply>> Shared::run(Request const& request, Asks asks, Told* told,
                                          Deadline deadline) {
  for (auto const& statement : request) check_statement(statement);
  std::vector<Reply> stale;
  for (int attempt = 1;; ++attempt) {
    Rider rider(*this, request);
    rider.send(asks);
    while (!rider.is_over()) {
      auto const wakeup = co_await async::Wait{-1, Interest::none, deadline, &rider};
      if (wakeup != Wakeup::ready) rider.give_up(wakeup);
    }
    auto replies = rider.take(told);
    if (attempt == 2) note_second_try(replies, stale);
    if (attempt == 2 || !is_stale(replies) || !is_open()) co_return replies;
    stale = std::move(replies);
  }
}

}  // namespace moonpool::wire
