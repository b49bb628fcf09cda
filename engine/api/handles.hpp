#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/config.hpp"
#include "async/operation.hpp"
#include "base/error.hpp"
#include "base/placeholders.hpp"
#include "base/split.hpp"
#include "moonpool/moonpool.h"
#include "session/copy.hpp"
#include "session/lend.hpp"
#include "session/listen.hpp"
#include "session/session.hpp"
#include "session/stream.hpp"

// What the opaque handles of moonpool.h hold.

namespace moonpool::api {

// Made and freed with each statement: their memory is kept as that of coroutines is.
struct Frequent {
  static void* operator new(std::size_t size) { return async::take_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    async::give_frame(memory, size);
  }
};

}  // namespace moonpool::api

struct mp_error {
  moonpool::Error error;
};

struct mp_config {
  moonpool::api::Config config;
};

struct mp_cluster {
  std::shared_ptr<moonpool::cluster::Cluster> cluster;
  moonpool::session::Habits habits;
};

struct mp_session {
  std::shared_ptr<moonpool::session::Session> session;
};

struct mp_result : moonpool::api::Frequent {
  moonpool::wire::Result result;
  std::string node;
};

struct mp_text {
  std::string text;
};

struct mp_stream {
  std::shared_ptr<moonpool::session::Stream> stream;
};

// One of the two.
struct mp_copy {
  std::shared_ptr<moonpool::session::CopyIn> in;
  std::shared_ptr<moonpool::session::CopyOut> out;
};

struct mp_loan {
  std::shared_ptr<moonpool::session::Lent> lent;
};

struct mp_listener {
  std::shared_ptr<moonpool::session::Listener> listener;
};

// Its operation writes into it, so it never moves.
struct mp_op : moonpool::api::Frequent {
  std::optional<moonpool::async::Stepper<void>> stepper;
  bool by_descriptor = false;                       // how its host waits for it
  std::vector<std::unique_ptr<mp_result>> results;  // by statement; empty where it failed
  std::vector<std::unique_ptr<mp_error>>
      statement_errors;  // by statement; empty where it succeeded
  std::unique_ptr<mp_session> session;
  std::unique_ptr<mp_stream> stream;
  std::unique_ptr<mp_copy> copy;
  std::unique_ptr<mp_loan> loan;
  std::unique_ptr<mp_listener> listener;
  std::optional<moonpool::session::Note> note;
  mp_note shown_note{};  // leans on note
  std::unique_ptr<mp_text> text;
  std::int64_t count = 0;
  std::unique_ptr<mp_error> error;
  bool done = false;
};

struct mp_sql {
  moonpool::Placeholders placeholders;
};

struct mp_script {
  std::string text;
  std::vector<moonpool::ScriptStatement> statements;  // lean on text
};

namespace moonpool::api {

// An operation that ends when every node was asked once.
mp_op* start_look(std::shared_ptr<cluster::Cluster> cluster, double timeout) noexcept;

// The only way an exception ends at the border: as a handle the caller owns.
mp_error* current_error() noexcept;

// Runs `body`; on an exception gives `failed` and the error by `error` where the caller wants one.
template <class T, class Body>
T guarded(mp_error** error, T failed, Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    auto* const made = current_error();
    if (error != nullptr) {
      *error = made;
    } else {
      mp_error_free(made);
    }
    return failed;
  }
}

// Zero for what is not above it; never past a hundred years.
Duration seconds(double count);
wire::Statement statement_of(mp_statement const& from);
// nullptr: every default.
session::RunOptions run_options_of(mp_run_options const* options);

// The operation's first step runs `start`, so what is wrong with the call is the operation's error.
template <class Start>
mp_op* make_op(Start&& start) noexcept {
  try {
    auto op = std::make_unique<mp_op>();
    try {
      op->stepper.emplace(start(*op));
    } catch (...) {
      op->error.reset(current_error());
      op->done = true;
    }
    return op.release();
  } catch (...) {
    return nullptr;  // out of memory for the handle itself
  }
}

}  // namespace moonpool::api
