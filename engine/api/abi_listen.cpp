#include "api/handles.hpp"

namespace {

using moonpool::Deadline;
using moonpool::async::Operation;
using moonpool::session::Listener;
using moonpool::session::ListenOptions;
using moonpool::session::Session;

Operation<void> listen_into(mp_op& op, std::shared_ptr<Session> session,
                            std::vector<std::string> channels, ListenOptions options) {
  auto listening = session->listen(std::move(channels), options);
  auto listener = co_await std::move(listening);
  op.listener = std::make_unique<mp_listener>();
  op.listener->listener = std::move(listener);
}

Operation<void> next_into(mp_op& op, std::shared_ptr<Listener> listener, Deadline deadline) {
  auto waiting = listener->next(deadline);
  op.note = co_await std::move(waiting);
  if (!op.note) co_return;
  auto const& note = *op.note;
  op.shown_note = {note.channel.c_str(), note.payload.c_str(), note.payload.size(),
                   note.since.c_str(),   note.backend_pid,     note.gap ? 1 : 0};
}

}  // namespace

mp_op* mp_listen(mp_session* session, const mp_value* channels, size_t count,
                 const mp_listen_options* options) noexcept {
  return moonpool::api::make_op([&](mp_op& op) {
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i) names.emplace_back(channels[i].data, channels[i].length);
    ListenOptions listen;
    if (options != nullptr) {
      listen.timeout = moonpool::api::seconds(options->timeout);
      if (options->probe > 0) listen.probe_every = moonpool::api::seconds(options->probe);
    }
    return listen_into(op, session->session, std::move(names), listen);
  });
}

mp_op* mp_listener_next(mp_listener* listener, double timeout) noexcept {
  return moonpool::api::make_op([&](mp_op& op) {
    return next_into(
        op, listener->listener,
        timeout < 0 ? Deadline::never() : Deadline::in(moonpool::api::seconds(timeout)));
  });
}

void mp_listener_free(mp_listener* listener) noexcept { delete listener; }
mp_listener* mp_op_listener(mp_op* op) noexcept { return op->listener.release(); }

const mp_note* mp_op_note(const mp_op* op) noexcept {
  return op->shown_note.channel != nullptr ? &op->shown_note : nullptr;
}
