#include "wire/pq.hpp"

#include <libpq-fe.h>
#include <array>

#include "wire/versions.hpp"

namespace moonpool::wire::pq {
namespace {

std::string text_or_empty(char const* text) { return text ? text : ""; }

// The arrays that libpq wants, on the stack for the statements people write.
class Arguments {
 public:
  explicit Arguments(std::span<Value const> values) {
    if (values.size() > kInline) {
      more_texts_.resize(values.size());
      more_types_.resize(values.size());
      texts_ = more_texts_.data();
      types_ = more_types_.data();
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      texts_[i] = values[i].text;
      types_[i] = values[i].type;
    }
  }
  Arguments(Arguments const&) = delete;
  Arguments& operator=(Arguments const&) = delete;

  char const* const* texts() const { return texts_; }
  Oid const* types() const { return types_; }

 private:
  static constexpr std::size_t kInline = 16;
  std::array<char const*, kInline> few_texts_{};
  std::array<Oid, kInline> few_types_{};
  std::vector<char const*> more_texts_;
  std::vector<Oid> more_types_;
  char const** texts_ = few_texts_.data();
  Oid* types_ = few_types_.data();
};

}  // namespace

void ResultDeleter::operator()(pg_result* result) const noexcept { PQclear(result); }

bool is_open(pg_conn* connection) noexcept { return PQstatus(connection) == CONNECTION_OK; }
int socket_of(pg_conn* connection) noexcept { return PQsocket(connection); }
int backend_pid(pg_conn* connection) noexcept { return PQbackendPID(connection); }
int server_version(pg_conn* connection) noexcept { return PQserverVersion(connection); }

TransactionStatus transaction_status(pg_conn* connection) noexcept {
  switch (PQtransactionStatus(connection)) {
    case PQTRANS_IDLE:
      return TransactionStatus::idle;
    case PQTRANS_ACTIVE:
      return TransactionStatus::active;
    case PQTRANS_INTRANS:
      return TransactionStatus::in_transaction;
    case PQTRANS_INERROR:
      return TransactionStatus::in_error;
    default:
      return TransactionStatus::unknown;
  }
}

std::string parameter(pg_conn* connection, char const* name) {
  return text_or_empty(PQparameterStatus(connection, name));
}

std::string error_message(pg_conn* connection) {
  auto text = text_or_empty(PQerrorMessage(connection));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string host_of(pg_conn* connection) { return text_or_empty(PQhost(connection)); }
std::string port_of(pg_conn* connection) { return text_or_empty(PQport(connection)); }
bool is_plain(pg_conn* connection) noexcept {
  return PQsslInUse(connection) == 0 && PQgssEncInUse(connection) == 0;
}

bool set_nonblocking(pg_conn* connection, bool on) noexcept {
  return PQsetnonblocking(connection, on ? 1 : 0) == 0;
}
bool enter_pipeline(pg_conn* connection) noexcept { return PQenterPipelineMode(connection) == 1; }
bool exit_pipeline(pg_conn* connection) noexcept { return PQexitPipelineMode(connection) == 1; }

NoticeFunction set_notice_receiver(pg_conn* connection, NoticeFunction function,
                                   void* context) noexcept {
  return PQsetNoticeReceiver(connection, function, context);
}

bool send_query(pg_conn* connection, char const* sql) noexcept {
  return PQsendQuery(connection, sql) == 1;
}

bool send_params(pg_conn* connection, char const* sql, std::span<Value const> values) {
  Arguments const arguments(values);
  return PQsendQueryParams(connection, sql, static_cast<int>(values.size()), arguments.types(),
                           arguments.texts(), nullptr, nullptr, 0) == 1;
}

bool send_prepare(pg_conn* connection, char const* name, char const* sql,
                  std::span<Value const> values) {
  Arguments const arguments(values);
  return PQsendPrepare(connection, name, sql, static_cast<int>(values.size()), arguments.types()) ==
         1;
}

bool send_prepared(pg_conn* connection, char const* name, std::span<Value const> values) {
  Arguments const arguments(values);
  return PQsendQueryPrepared(connection, name, static_cast<int>(values.size()), arguments.texts(),
                             nullptr, nullptr, 0) == 1;
}

bool send_sync(pg_conn* connection) noexcept { return PQpipelineSync(connection) == 1; }
int flush(pg_conn* connection) noexcept { return PQflush(connection); }
bool consume(pg_conn* connection) noexcept { return PQconsumeInput(connection) == 1; }
bool is_busy(pg_conn* connection) noexcept { return PQisBusy(connection) == 1; }
ResultHandle next_result(pg_conn* connection) noexcept {
  return ResultHandle(PQgetResult(connection));
}
bool set_single_row(pg_conn* connection) noexcept { return PQsetSingleRowMode(connection) == 1; }

std::optional<Note> next_note(pg_conn* connection) {
  std::unique_ptr<PGnotify, decltype(&PQfreemem)> const found(PQnotifies(connection), &PQfreemem);
  if (!found) return std::nullopt;
  return Note{found->relname, found->extra, found->be_pid};
}

ResultStatus status(pg_result const* result) noexcept {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
      return ResultStatus::command_ok;
    case PGRES_TUPLES_OK:
      return ResultStatus::tuples_ok;
    case PGRES_SINGLE_TUPLE:
      return ResultStatus::single_tuple;
    case PGRES_EMPTY_QUERY:
      return ResultStatus::empty_query;
    case PGRES_COPY_IN:
      return ResultStatus::copy_in;
    case PGRES_COPY_OUT:
      return ResultStatus::copy_out;
    case PGRES_COPY_BOTH:
      return ResultStatus::copy_both;
    case PGRES_PIPELINE_SYNC:
      return ResultStatus::pipeline_sync;
    case PGRES_PIPELINE_ABORTED:
      return ResultStatus::pipeline_aborted;
    default:
      return ResultStatus::error;
  }
}

ServerFields error_fields(pg_result const* result) {
  auto field = [result](int code) { return text_or_empty(PQresultErrorField(result, code)); };
  auto number = [&](int code) {
    auto const text = field(code);
    return text.empty() ? 0 : std::atoi(text.c_str());
  };
  ServerFields fields;
  fields.severity = field(PG_DIAG_SEVERITY_NONLOCALIZED);
  fields.sqlstate = field(PG_DIAG_SQLSTATE);
  fields.message = field(PG_DIAG_MESSAGE_PRIMARY);
  fields.detail = field(PG_DIAG_MESSAGE_DETAIL);
  fields.hint = field(PG_DIAG_MESSAGE_HINT);
  fields.context = field(PG_DIAG_CONTEXT);
  fields.schema = field(PG_DIAG_SCHEMA_NAME);
  fields.table = field(PG_DIAG_TABLE_NAME);
  fields.column = field(PG_DIAG_COLUMN_NAME);
  fields.data_type = field(PG_DIAG_DATATYPE_NAME);
  fields.constraint = field(PG_DIAG_CONSTRAINT_NAME);
  fields.internal_query = field(PG_DIAG_INTERNAL_QUERY);
  fields.routine = field(PG_DIAG_SOURCE_FUNCTION);
  fields.position = number(PG_DIAG_STATEMENT_POSITION);
  fields.internal_position = number(PG_DIAG_INTERNAL_POSITION);
  // libpq's own errors (a lost connection, no memory) have a text and no fields.
  if (fields.message.empty()) fields.message = text_or_empty(PQresultErrorMessage(result));
  while (!fields.message.empty() && fields.message.back() == '\n') fields.message.pop_back();
  return fields;
}

int rows(pg_result const* result) noexcept { return PQntuples(result); }
int columns(pg_result const* result) noexcept { return PQnfields(result); }
char const* column_name(pg_result const* result, int column) noexcept {
  return PQfname(result, column);
}
std::uint32_t column_type(pg_result const* result, int column) noexcept {
  return PQftype(result, column);
}
bool is_null(pg_result const* result, int row, int column) noexcept {
  return PQgetisnull(result, row, column) == 1;
}
char const* value(pg_result const* result, int row, int column) noexcept {
  return PQgetvalue(result, row, column);
}
int length(pg_result const* result, int row, int column) noexcept {
  return PQgetlength(result, row, column);
}
// libpq only reads the result here, but its signatures predate const.
char const* tag(pg_result const* result) noexcept {
  return PQcmdStatus(const_cast<pg_result*>(result));
}
char const* affected(pg_result const* result) noexcept {
  return PQcmdTuples(const_cast<pg_result*>(result));
}

std::size_t memory(pg_result const* result) noexcept { return PQresultMemorySize(result); }

std::optional<std::size_t> append_row(pg_result* result, pg_result const* from) noexcept {
  int const row = PQntuples(result);
  int const width = PQnfields(from);
  std::size_t bytes = 0;
  for (int column = 0; column < width; ++column) {
    bool const null = PQgetisnull(from, 0, column) == 1;
    int const size = null ? -1 : PQgetlength(from, 0, column);
    // libpq copies the bytes, but its signature predates const.
    if (PQsetvalue(result, row, column, PQgetvalue(from, 0, column), size) == 0)
      return std::nullopt;
    if (!null) bytes += static_cast<std::size_t>(size);
  }
  return bytes;
}

ResultHandle empty_like(pg_result const* like) noexcept {
  return ResultHandle(PQcopyResult(like, PG_COPYRES_ATTRS));
}

bool set_value(pg_result* result, int row, int column,
               std::optional<std::string_view> value) noexcept {
  if (!value) return PQsetvalue(result, row, column, nullptr, -1) == 1;
  return PQsetvalue(result, row, column, const_cast<char*>(value->data()),
                    static_cast<int>(value->size())) == 1;
}

int copy_put(pg_conn* connection, std::string_view data) noexcept {
  return PQputCopyData(connection, data.data(), static_cast<int>(data.size()));
}
int copy_end(pg_conn* connection, char const* error) noexcept {
  return PQputCopyEnd(connection, error);
}
int copy_get(pg_conn* connection, std::string& data) {
  char* buffer = nullptr;
  int const size = PQgetCopyData(connection, &buffer, 1);
  if (size > 0) {
    std::unique_ptr<char, decltype(&PQfreemem)> const owned(buffer, &PQfreemem);
    data.append(buffer, static_cast<std::size_t>(size));
    return 1;
  }
  return size;
}

Canceller::Canceller(pg_conn* connection) : handle_(PQgetCancel(connection)) {}
Canceller::~Canceller() { PQfreeCancel(static_cast<PGcancel*>(handle_)); }

std::string Canceller::cancel() const {
  std::array<char, 256> problem{};
  if (handle_ == nullptr) return "the connection is already gone";
  int const done = PQcancel(static_cast<PGcancel*>(handle_), problem.data(), problem.size());
  return done == 1 ? "" : std::string(problem.data());
}

namespace {

std::vector<Option> take_options(PQconninfoOption* options) {
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> const owned(options,
                                                                           &PQconninfoFree);
  std::vector<Option> out;
  for (auto const* option = options; option && option->keyword; ++option) {
    if (option->val == nullptr) continue;
    bool const secret = option->dispchar != nullptr && option->dispchar[0] == '*';
    out.push_back({option->keyword, option->val, secret});
  }
  return out;
}

}  // namespace

std::optional<std::vector<Option>> parse_conninfo(std::string const& text, std::string& problem) {
  char* message = nullptr;
  auto* options = PQconninfoParse(text.c_str(), &message);
  if (options == nullptr) {
    problem = message ? message : "out of memory";
    PQfreemem(message);
    while (!problem.empty() && problem.back() == '\n') problem.pop_back();
    return std::nullopt;
  }
  return take_options(options);
}

std::vector<Option> default_options() { return take_options(PQconndefaults()); }

}  // namespace moonpool::wire::pq

std::string moonpool::wire::libpq_version() {
  int const number = PQlibVersion();
  return std::to_string(number / 10000) + "." + std::to_string(number % 10000);
}
