#include "proxy/link.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

namespace moonpool::test {
namespace {

// Is a thread of this process at work, or would be if the machine let it? A client that is silent because
// somebody else has the processor is not done.
bool others_at_work() {
  auto const self = std::to_string(gettid());
  std::error_code gone;
  for (auto const& thread : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    if (thread.path().filename() == self) continue;
    std::string line;
    std::getline(std::ifstream(thread.path() / "stat"), line);
    auto const name_ends = line.rfind(") ");
    if (name_ends == std::string::npos) continue;
    if (line[name_ends + 2] == 'R' || line[name_ends + 2] == 'D') return true;
  }
  return false;
}

constexpr auto kPause = std::chrono::milliseconds(1);
// A thread that works for longer does something else.
constexpr auto kPatienceEnds = std::chrono::seconds(5);

}  // namespace

Link::Link(int number, int client, int server) : number_(number) {
  front_.from = back_.to = client;
  front_.to = back_.from = server;
}

Link::~Link() { close(); }

void Link::close() {
  if (front_.from >= 0) ::close(front_.from);
  if (back_.from >= 0) ::close(back_.from);
  front_.from = front_.to = back_.from = back_.to = -1;
  over_ = true;
}

bool Link::wants_read(Side side) const {
  return !over_ && !blackhole_ && !stream(side).ended && fd(side) >= 0;
}
bool Link::wants_write(Side side) const {
  return !over_ && !blackhole_ && !stream(side).out.empty() && !(patient_ && side == Side::backend);
}

void Link::read(Side side) {
  auto& from = stream(side);
  char buffer[65536];
  for (;;) {
    auto const count = recv(from.from, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      from.ended = true;
      return;
    }
    if (side == Side::frontend) client_spoke_ = client_silent_since_ = Clock::now();
    from.framer.feed(std::string_view(buffer, static_cast<std::size_t>(count)));
    while (auto message = from.framer.next()) {
      if (message->type == kEncryptionRequest) back_.framer.expect_encryption_answer();
      if (message->type == kCancelRequest) cancels_ = true;
      from.queue.push_back(std::move(*message));
    }
    if (static_cast<std::size_t>(count) < sizeof buffer) return;
  }
}

// A cut by offset falls where it falls, inside of messages and of what rules made of them.
void Link::pass(Stream& stream, std::string_view bytes) {
  if (stream.close_after) return;
  if (stream.cut_at && stream.passed + bytes.size() >= *stream.cut_at) {
    bytes = bytes.substr(0, static_cast<std::size_t>(*stream.cut_at - stream.passed));
    stream.close_after = true;
  }
  stream.passed += bytes.size();
  stream.out.append(bytes);
}

void Link::judge_queue(Side side, Judge const& judge, TimePoint now) {
  auto& from = stream(side);
  while (!from.queue.empty() && !blackhole_ && !from.close_after) {
    if (from.held_by != 0 || (from.delayed_until && now < *from.delayed_until)) return;
    auto& message = from.queue.front();
    bool const waited = std::exchange(from.judged_front, false);
    from.delayed_until.reset();
    auto const verdict = waited ? Verdict{} : judge(*this, side, message);
    switch (verdict.act) {
      case Act::delay:
        from.delayed_until = now + verdict.duration;
        from.judged_front = true;
        continue;
      case Act::hold:
        from.held_by = verdict.rule;
        from.judged_front = true;
        continue;
      case Act::blackhole:
        blackhole_ = true;
        return;
      case Act::cut_before:
        from.close_after = true;
        break;
      case Act::cut_at:
        pass(from, std::string_view(message.bytes).substr(0, verdict.byte));
        from.close_after = true;
        break;
      case Act::cut_after:
        pass(from, message.bytes);
        from.close_after = true;
        break;
      case Act::swallow:
        break;
      case Act::duplicate:
        pass(from, message.bytes);
        pass(from, message.bytes);
        break;
      case Act::put_before:
        pass(from, verdict.payload);
        pass(from, message.bytes);
        break;
      case Act::put_after:
        pass(from, message.bytes);
        pass(from, verdict.payload);
        break;
      case Act::replace:
        pass(from, verdict.payload);
        break;
      case Act::pass:
        pass(from, message.bytes);
        break;
    }
    if (side == Side::frontend && (message.type == 'S' || message.type == 'Q')) asked_ = true;
    from.queue.pop_front();
  }
  if (from.ended && from.queue.empty()) {
    pass(from, from.framer.take_rest());
    from.close_after = true;
  }
}

void Link::write(Side side, bool slice) {
  auto& from = stream(side);
  while (!from.out.empty()) {
    auto const size = slice ? std::size_t{1} : from.out.size();
    auto const count = send(from.to, from.out.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      // The receiver is gone: there is nobody to pass anything on to.
      close();
      return;
    }
    from.out.erase(0, static_cast<std::size_t>(count));
    if (slice) return;
  }
  if (from.close_after) close();
}

void Link::pump(Judge const& judge, TimePoint now, Duration patience, bool slice) {
  if (over_ || blackhole_) return;
  judge_queue(Side::frontend, judge, now);
  judge_queue(Side::backend, judge, now);
  if (blackhole_) return;
  write(Side::frontend, slice);
  if (over_) return;
  // With patience, answers wait until the client has nothing more to say: what it sent without waiting
  // for them is then one turn, however the bytes happened to travel.
  bool const waits = asked_ && !back_.close_after && patience > Duration::zero();
  if (waits && now - client_silent_since_ >= patience && now - client_spoke_ < kPatienceEnds &&
      others_at_work()) {
    client_silent_since_ = now - patience + kPause;
  }
  patient_ = waits && now - client_silent_since_ < patience;
  if (patient_) return;
  if (asked_ && !back_.out.empty()) {
    asked_ = false;
    ++turns_;
  }
  write(Side::backend, slice);
}

std::optional<TimePoint> Link::due(Duration patience) const {
  std::optional<TimePoint> due;
  auto sooner = [&due](TimePoint at) {
    if (!due || at < *due) due = at;
  };
  if (front_.delayed_until) sooner(*front_.delayed_until);
  if (back_.delayed_until) sooner(*back_.delayed_until);
  if (patient_) sooner(client_silent_since_ + patience);
  return due;
}

void Link::release(int rule) {
  for (auto* from : {&front_, &back_}) {
    if (from->held_by == rule) from->held_by = 0;
  }
}

}  // namespace moonpool::test
