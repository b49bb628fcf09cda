#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "proxy/protocol.hpp"

namespace moonpool::test {

// What is done to the message that a rule meets.
enum class Act : std::uint8_t {
  pass,        // nothing: for waiting until it comes by
  delay,       // it and what follows on its side wait for `duration`
  hold,        // it and what follows on its side wait for release()
  cut_before,  // both ends of the connection are closed, the message is not passed on
  cut_after,   // passed on, then both ends are closed
  cut_at,      // its first `byte` bytes are passed on, then both ends are closed
  swallow,     // this message is dropped, what follows is not
  duplicate,   // passed on twice
  put_before,  // `payload` is passed on ahead of it
  put_after,   // `payload` is passed on behind it
  replace,     // `payload` is passed on in its place
  blackhole,   // nothing passes any more in either direction, and nothing is closed
};

// Which message, and what to do. Counted from the moment the rule is added, over all connections.
struct Rule {
  Side side = Side::frontend;
  char type = 0;       // 0: any
  std::string text{};  // must be part of the message's text; empty: any
  int nth = 1;         // the n-th that fits; 0: every one that fits
  Act act = Act::pass;
  std::size_t byte = 0;
  Duration duration{};
  std::string payload{};
};

// Cuts a connection when one side has passed on exactly so many bytes, wherever in a message that is.
struct OffsetCut {
  Side side = Side::frontend;
  std::uint64_t bytes = 0;
  int connection = 1;  // counted from the moment of adding; cancel requests do not count
};

// Everything that came by, in order.
struct Event {
  TimePoint at;
  int connection = 0;
  Side side = Side::frontend;
  char type = 0;
  std::uint64_t offset = 0;
  std::size_t size = 0;
  std::string text{};
  int rule = 0;  // that met it; 0: none
  Act act = Act::pass;
};

std::string to_string(Event const& event);
std::string to_string(std::vector<Event> const& events);

}  // namespace moonpool::test
