// LISTEN and NOTIFY for the C++ face. Included by moonpool.hpp.
#pragma once

#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <utility>

#include "moonpool/error.hpp"

namespace moonpool {
inline namespace v1 {

struct ListenOptions {
  std::chrono::milliseconds timeout{0};  // for the first connection; 0: the session's
  // After so long without a word the server is asked for a sign of life.
  std::chrono::milliseconds probe{std::chrono::seconds(15)};
};

// What NOTIFY sent. Where `gap` is true: the connection was lost and is back, and notes sent after `since`
// (the server's time, as SQL reads it) may have been missed.
struct Note {
  std::string channel;
  std::string payload;
  int pid = 0;
  bool gap = false;
  std::string since;
};

// Listens on a connection of its own, to the primary, wherever that is. Notes arrive only while somebody
// waits. Move-only. Threads: one at a time.
class Listener {
 public:
  explicit Listener(mp_listener* listener) : listener_(listener) {}

  // Waits without end.
  Note next() { return *wait(-1); }
  // nullopt when the time has passed. Throws Error where the connection was lost and could not be
  // replaced in that time; the next call tries again.
  std::optional<Note> next(std::chrono::milliseconds timeout) {
    return wait(std::chrono::duration<double>(timeout).count());
  }
  // Calls `take` with each note until it returns false.
  template <std::invocable<Note> Take>
  void each(Take&& take) {
    while (take(next())) continue;
  }

 private:
  std::optional<Note> wait(double seconds) {
    auto const op = detail::finish(mp_listener_next(listener_.get(), seconds));
    auto const* const note = mp_op_note(op.get());
    if (note == nullptr) return std::nullopt;
    return Note{note->channel, std::string(note->payload, note->payload_length), note->pid,
                note->gap != 0, note->since};
  }

  detail::Handle<mp_listener> listener_;
};

}  // namespace v1
}  // namespace moonpool
