#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

struct pg_conn;
struct pg_result;

// libpq, one thin function for each call the engine makes. The only implementation that includes
// libpq's header is pq.cpp, so nothing above can grow a dependency on it.
namespace moonpool::wire::pq {

struct ResultDeleter {
  void operator()(pg_result* result) const noexcept;
};
using ResultHandle = std::unique_ptr<pg_result, ResultDeleter>;

enum class TransactionStatus : std::uint8_t { idle, active, in_transaction, in_error, unknown };
enum class ResultStatus : std::uint8_t {
  command_ok,
  tuples_ok,
  single_tuple,
  empty_query,
  copy_in,
  copy_out,
  copy_both,
  error,
  pipeline_sync,
  pipeline_aborted,
};

// One parameter in text form, as libpq takes it.
struct Value {
  char const* text = nullptr;  // NUL-terminated; nullptr is SQL NULL
  std::uint32_t type = 0;
};

// ---- Connections ----
bool is_open(pg_conn* connection) noexcept;
int socket_of(pg_conn* connection) noexcept;
int backend_pid(pg_conn* connection) noexcept;
int server_version(pg_conn* connection) noexcept;
TransactionStatus transaction_status(pg_conn* connection) noexcept;
// "" when the server has not reported it.
std::string parameter(pg_conn* connection, char const* name);
std::string error_message(pg_conn* connection);
// host, port of the connection as made.
std::string host_of(pg_conn* connection);
std::string port_of(pg_conn* connection);
// Do the bytes of the protocol stand on the socket as they are?
bool is_plain(pg_conn* connection) noexcept;

bool set_nonblocking(pg_conn* connection, bool on = true) noexcept;
bool enter_pipeline(pg_conn* connection) noexcept;
// False while results are unread.
bool exit_pipeline(pg_conn* connection) noexcept;

using NoticeFunction = void (*)(void* context, pg_result const* notice);
// Gives the one before.
NoticeFunction set_notice_receiver(pg_conn* connection, NoticeFunction function,
                                   void* context) noexcept;

// ---- Sending: false when libpq refused; the reason is error_message() ----
bool send_query(pg_conn* connection, char const* sql) noexcept;
bool send_params(pg_conn* connection, char const* sql, std::span<Value const> values);
bool send_prepare(pg_conn* connection, char const* name, char const* sql,
                  std::span<Value const> values);
bool send_prepared(pg_conn* connection, char const* name, std::span<Value const> values);
bool send_sync(pg_conn* connection) noexcept;
// 0 all sent, 1 more to send, -1 failed.
int flush(pg_conn* connection) noexcept;

// ---- Receiving ----
bool consume(pg_conn* connection) noexcept;
bool is_busy(pg_conn* connection) noexcept;
ResultHandle next_result(pg_conn* connection) noexcept;
bool set_single_row(pg_conn* connection) noexcept;

// ---- Notes: what NOTIFY sent and was read already ----
struct Note {
  std::string channel;
  std::string payload;
  int backend_pid = 0;
};
std::optional<Note> next_note(pg_conn* connection);

// ---- Results ----
ResultStatus status(pg_result const* result) noexcept;
ServerFields error_fields(pg_result const* result);
int rows(pg_result const* result) noexcept;
int columns(pg_result const* result) noexcept;
char const* column_name(pg_result const* result, int column) noexcept;
std::uint32_t column_type(pg_result const* result, int column) noexcept;
bool is_null(pg_result const* result, int row, int column) noexcept;
char const* value(pg_result const* result, int row, int column) noexcept;
int length(pg_result const* result, int row, int column) noexcept;
char const* tag(pg_result const* result) noexcept;
char const* affected(pg_result const* result) noexcept;
std::size_t memory(pg_result const* result) noexcept;
// Adds a copy of the first row of `from`, which has the same columns (at least one). Gives the bytes of
// its values; nullopt when there is no memory.
std::optional<std::size_t> append_row(pg_result* result, pg_result const* from) noexcept;
// A result without rows, with the columns of `like`.
ResultHandle empty_like(pg_result const* like) noexcept;
// Row and column may be one past the last row; nullopt is SQL NULL. False when there is no memory.
bool set_value(pg_result* result, int row, int column,
               std::optional<std::string_view> value) noexcept;

// ---- COPY: 1 done, 0 would block, -1 failed ----
// REQUIRES: at most 1 GiB at once.
int copy_put(pg_conn* connection, std::string_view data) noexcept;
int copy_end(pg_conn* connection, char const* error) noexcept;
// One row, added to `data`; 1 a row, 0 would block, -1 the end, -2 failed.
int copy_get(pg_conn* connection, std::string& data);

// ---- Cancelling: blocks; may run on any thread while the connection is used on another ----
class Canceller {
 public:
  explicit Canceller(pg_conn* connection);
  ~Canceller();
  Canceller(Canceller const&) = delete;
  Canceller& operator=(Canceller const&) = delete;
  // Empty when the request was delivered, else why not.
  std::string cancel() const;

 private:
  void* handle_;
};

// ---- Connection strings ----
struct Option {
  std::string keyword;
  std::string value;
  bool secret = false;  // libpq shows it as stars
};
// The options that a conninfo string or URI sets. nullopt: not readable, `problem` says why, in
// libpq's words, which may quote the string.
std::optional<std::vector<Option>> parse_conninfo(std::string const& text, std::string& problem);
// What libpq takes from the environment, the service file and its own defaults.
std::vector<Option> default_options();

}  // namespace moonpool::wire::pq
