#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "moonpool/moonpool.h"

namespace moonpool {
inline namespace v1 {

// The one exception of the C++ face: every field of the engine's error, copied, so it may outlive what
// raised it and travel between threads.
class Error : public std::runtime_error {
 public:
  explicit Error(mp_error const* error)
      : std::runtime_error(text(error, MP_ERROR_LINE)),
        name(text(error, MP_ERROR_NAME)),
        kind(text(error, MP_ERROR_KIND)),
        message(text(error, MP_ERROR_MESSAGE)),
        outcome(text(error, MP_ERROR_OUTCOME)),
        sqlstate(text(error, MP_ERROR_SQLSTATE)),
        detail(text(error, MP_ERROR_DETAIL)),
        hint(text(error, MP_ERROR_HINT)),
        constraint(text(error, MP_ERROR_CONSTRAINT)),
        table(text(error, MP_ERROR_TABLE)),
        column(text(error, MP_ERROR_COLUMN)),
        node(text(error, MP_ERROR_NODE)),
        query(text(error, MP_ERROR_QUERY)),
        description(text(error, MP_ERROR_DESCRIPTION)),
        position(static_cast<int>(mp_error_number(error, MP_ERROR_POSITION))),
        retryable(mp_error_number(error, MP_ERROR_RETRYABLE) != 0),
        in_doubt(mp_error_number(error, MP_ERROR_IN_DOUBT) != 0) {}

  // A mistake in the use of this face itself.
  explicit Error(std::string const& usage)
      : std::runtime_error("usage: " + usage), name("usage"), kind("usage"), message(usage) {}

  // `name` is what to test: a kind ("timeout") or PostgreSQL's condition ("unique_violation").
  bool is(std::string_view what) const { return name == what; }

  std::string name;
  std::string kind;
  std::string message;
  std::string outcome;  // not_sent, rejected, unknown, committed_local
  std::string sqlstate;
  std::string detail;  // quotes user data
  std::string hint;
  std::string constraint;
  std::string table;
  std::string column;
  std::string node;
  std::string query;
  std::string description;  // what(), the caret under the statement, the hint
  int position = 0;         // in characters, 1-based; 0: none
  bool retryable = false;   // the same work may be run again without the risk of running twice
  bool in_doubt = false;    // the work may have taken effect

 private:
  static std::string text(mp_error const* error, int field) {
    char const* const found = error ? mp_error_text(error, field) : nullptr;
    return found ? found : "";
  }
};

namespace detail {

struct Free {
  void operator()(mp_error* handle) const noexcept { mp_error_free(handle); }
  void operator()(mp_config* handle) const noexcept { mp_config_free(handle); }
  void operator()(mp_cluster* handle) const noexcept { mp_cluster_free(handle); }
  void operator()(mp_session* handle) const noexcept { mp_session_free(handle); }
  void operator()(mp_op* handle) const noexcept { mp_op_free(handle); }
  void operator()(mp_result* handle) const noexcept { mp_result_free(handle); }
  void operator()(mp_stream* handle) const noexcept { mp_stream_free(handle); }
  void operator()(mp_copy* handle) const noexcept { mp_copy_free(handle); }
  void operator()(mp_loan* handle) const noexcept { mp_loan_free(handle); }
  void operator()(mp_listener* handle) const noexcept { mp_listener_free(handle); }
  void operator()(mp_text* handle) const noexcept { mp_text_free(handle); }
};
template <class T>
using Handle = std::unique_ptr<T, Free>;

[[noreturn]] inline void raise(mp_error* error) {
  Handle<mp_error> const owned(error);
  throw Error(owned.get());
}

// Runs an operation to its end; throws its error.
inline Handle<mp_op> finish(mp_op* started) {
  Handle<mp_op> op(started);
  if (mp_op_run(op.get()) != MP_OK) throw Error(mp_op_error(op.get()));
  return op;
}

}  // namespace detail
}  // namespace v1
}  // namespace moonpool
