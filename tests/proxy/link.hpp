#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "proxy/protocol.hpp"
#include "proxy/rule.hpp"

namespace moonpool::test {

// What the proxy decides about one message.
struct Verdict {
  int rule = 0;
  Act act = Act::pass;
  std::size_t byte = 0;
  Duration duration{};
  std::string payload;
};

// One client and its connection to the server: two streams of messages. Owned by the proxy's loop.
class Link {
 public:
  // Asked once for each whole message, in the order they come, before it is passed on.
  using Judge = std::function<Verdict(Link&, Side, Message const&)>;

  Link(int number, int client, int server);
  ~Link();
  Link(Link const&) = delete;
  Link& operator=(Link const&) = delete;

  int number() const { return number_; }
  int fd(Side side) const { return stream(side).from; }  // the socket this side speaks on
  bool wants_read(Side side) const;
  // Has bytes of this side to pass on, and does not hold them back.
  bool wants_write(Side side) const;
  bool over() const { return over_; }
  bool cancels() const { return cancels_; }

  void read(Side side);
  // Takes messages through the judge as far as nothing holds them, and writes what can be written.
  void pump(Judge const& judge, TimePoint now, Duration patience, bool slice);
  // When pump() has something to do although no socket speaks.
  std::optional<TimePoint> due(Duration patience) const;

  void release(int rule);
  void cut_when(Side side, std::uint64_t bytes) { stream(side).cut_at = bytes; }
  void blackhole() { blackhole_ = true; }
  void close();

  // Times that the client had said something and then got an answer.
  int turns() const { return turns_; }
  void reset_turns() { turns_ = 0; }

 private:
  struct Stream {
    explicit Stream(Framer of) : framer(std::move(of)) {}
    int from = -1;
    int to = -1;
    Framer framer;
    std::deque<Message> queue;
    std::string out;
    std::uint64_t passed = 0;  // bytes put into `out`
    std::optional<std::uint64_t> cut_at;
    int held_by = 0;
    std::optional<TimePoint> delayed_until;
    bool judged_front = false;  // the front was held or delayed, and goes on when that is over
    bool ended = false;
    bool close_after = false;
  };
  Stream& stream(Side side) { return side == Side::frontend ? front_ : back_; }
  Stream const& stream(Side side) const { return side == Side::frontend ? front_ : back_; }
  void judge_queue(Side side, Judge const& judge, TimePoint now);
  void pass(Stream& stream, std::string_view bytes);
  void write(Side side, bool slice);

  int number_;
  Stream front_{Framer(Side::frontend)};
  Stream back_{Framer(Side::backend)};
  TimePoint client_spoke_{};
  TimePoint client_silent_since_{};  // it spoke, or was seen to be at work
  bool asked_ = false;               // the client ended a burst that was not answered yet
  bool patient_ = false;             // answers are held back until the client is silent
  int turns_ = 0;
  bool cancels_ = false;
  bool blackhole_ = false;
  bool over_ = false;
};

}  // namespace moonpool::test
