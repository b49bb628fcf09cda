#include <new>

#include "api/handles.hpp"

namespace moonpool::api {

mp_error* current_error() noexcept {
  try {
    throw;
  } catch (Error const& error) {
    return new (std::nothrow) mp_error{error};
  } catch (std::bad_alloc const&) {
    return new (std::nothrow) mp_error{Error(ErrorKind::environment, "out of memory")};
  } catch (std::exception const& other) {
    return new (std::nothrow) mp_error{Error(ErrorKind::internal, other.what())};
  } catch (...) {
    return new (std::nothrow) mp_error{Error(ErrorKind::internal, "an unknown exception")};
  }
}

}  // namespace moonpool::api

namespace {

// describe() makes new text: it is kept with the thread until the next call.
char const* description(moonpool::Error const& error) {
  thread_local std::string text;
  text = error.describe();
  return text.c_str();
}

char const* or_null(std::string const& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

const char* mp_error_text(const mp_error* handle, int field) noexcept {
  auto const& error = handle->error;
  auto const& server = error.server();
  switch (field) {
    case MP_ERROR_NAME:
      return error.name().data();  // static, NUL-terminated
    case MP_ERROR_MESSAGE:
      return or_null(error.message());
    case MP_ERROR_LINE:
      return error.what();
    case MP_ERROR_DESCRIPTION:
      return description(error);
    case MP_ERROR_KIND:
      return moonpool::to_string(error.kind()).data();
    case MP_ERROR_OUTCOME:
      return moonpool::to_string(error.outcome()).data();
    case MP_ERROR_PHASE:
      return moonpool::to_string(error.phase()).data();
    case MP_ERROR_NODE:
      return or_null(error.node());
    case MP_ERROR_QUERY:
      return or_null(error.query());
    case MP_ERROR_HINT:
      return or_null(error.hint());
    case MP_ERROR_SQLSTATE:
      return or_null(server.sqlstate);
    case MP_ERROR_SEVERITY:
      return or_null(server.severity);
    case MP_ERROR_DETAIL:
      return or_null(server.detail);
    case MP_ERROR_CONTEXT:
      return or_null(server.context);
    case MP_ERROR_SCHEMA:
      return or_null(server.schema);
    case MP_ERROR_TABLE:
      return or_null(server.table);
    case MP_ERROR_COLUMN:
      return or_null(server.column);
    case MP_ERROR_DATA_TYPE:
      return or_null(server.data_type);
    case MP_ERROR_CONSTRAINT:
      return or_null(server.constraint);
    case MP_ERROR_INTERNAL_QUERY:
      return or_null(server.internal_query);
    default:
      return nullptr;
  }
}

int64_t mp_error_number(const mp_error* handle, int field) noexcept {
  auto const& error = handle->error;
  switch (field) {
    case MP_ERROR_POSITION:
      return error.server().position;
    case MP_ERROR_INTERNAL_POSITION:
      return error.server().internal_position;
    case MP_ERROR_ATTEMPT:
      return error.attempt();
    case MP_ERROR_RETRYABLE:
      return error.retryable() ? 1 : 0;
    case MP_ERROR_IN_DOUBT:
      return error.in_doubt() ? 1 : 0;
    case MP_ERROR_CAUSES:
      return static_cast<int64_t>(error.causes().size());
    default:
      return 0;
  }
}

// A cause is an Error inside the error; mp_error is nothing but one, so its address serves.
static_assert(sizeof(mp_error) == sizeof(moonpool::Error));

const mp_error* mp_error_cause(const mp_error* handle, size_t index) noexcept {
  auto const& causes = handle->error.causes();
  return index < causes.size() ? reinterpret_cast<mp_error const*>(&causes[index]) : nullptr;
}

void mp_error_free(mp_error* error) noexcept { delete error; }
