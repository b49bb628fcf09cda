--- What moonpool.h declares, as LuaJIT's FFI reads it. A test compares the two, name by name.

local M = {}

---The ABI this tree was written for.
M.VERSION = 1

-- The numbers of the header's enums as Lua constants, which the compiler folds into its traces.
M.OK, M.FAILED, M.PENDING = 0, 1, 2
M.WRITE, M.READ = 0, 1
M.ATOMIC, M.IDEMPOTENT, M.SCRIPT = 1, 2, 4
M.READY, M.TIMED_OUT, M.CANCELLED = 0, 1, 2
M.consistency = { strong = 1, session = 2, eventual = 3 }
M.breaker = { automatic = 0, open = 1, closed = 2 }
M.fallback = { primary = 1, stale = 2, error = 3 }
M.isolation = { ["read committed"] = 1, ["repeatable read"] = 2, serializable = 3 }

M.event = {
  statement = 1, transaction = 2, acquire = 4, connect = 8, use = 16, recover = 32, probe = 64, retry = 128, role = 256,
  breaker = 512, audit = 1024, log = 2048, notice = 4096,
}
M.level = { trace = 0, debug = 1, info = 2, warning = 3, error = 4 }

M.declarations = [[
typedef struct mp_error mp_error;
typedef struct mp_config mp_config;
typedef struct mp_cluster mp_cluster;
typedef struct mp_session mp_session;
typedef struct mp_op mp_op;
typedef struct mp_result mp_result;
typedef struct mp_sql mp_sql;
typedef struct mp_script mp_script;
typedef struct mp_text mp_text;
typedef struct mp_listener mp_listener;
typedef struct mp_servers mp_servers;
typedef struct mp_stream mp_stream;
typedef struct mp_copy mp_copy;
typedef struct mp_loan mp_loan;
uint32_t mp_abi_version(void);
const char* mp_version(void);
enum mp_error_text_field {
  MP_ERROR_NAME = 0, MP_ERROR_MESSAGE = 1, MP_ERROR_LINE = 2, MP_ERROR_DESCRIPTION = 3,
  MP_ERROR_KIND = 4, MP_ERROR_OUTCOME = 5, MP_ERROR_PHASE = 6, MP_ERROR_NODE = 7,
  MP_ERROR_QUERY = 8, MP_ERROR_HINT = 9, MP_ERROR_SQLSTATE = 10, MP_ERROR_SEVERITY = 11,
  MP_ERROR_DETAIL = 12, MP_ERROR_CONTEXT = 13, MP_ERROR_SCHEMA = 14, MP_ERROR_TABLE = 15,
  MP_ERROR_COLUMN = 16, MP_ERROR_DATA_TYPE = 17, MP_ERROR_CONSTRAINT = 18,
  MP_ERROR_INTERNAL_QUERY = 19
};
enum mp_error_number_field {
  MP_ERROR_POSITION = 0, MP_ERROR_INTERNAL_POSITION = 1, MP_ERROR_ATTEMPT = 2,
  MP_ERROR_RETRYABLE = 3, MP_ERROR_IN_DOUBT = 4, MP_ERROR_CAUSES = 5
};
const char* mp_error_text(const mp_error* error, int field);
int64_t mp_error_number(const mp_error* error, int field);
const mp_error* mp_error_cause(const mp_error* error, size_t index);
void mp_error_free(mp_error* error);
const char* mp_text_data(const mp_text* text, size_t* length);
void mp_text_free(mp_text* text);
mp_config* mp_config_new(void);
int mp_config_set(mp_config* config, const char* key, const char* value, size_t length, mp_error**
  error);
void mp_config_free(mp_config* config);
mp_cluster* mp_connect(const mp_config* config, mp_error** error);
mp_cluster* mp_cluster_share(const mp_cluster* cluster);
mp_text* mp_cluster_stats(const mp_cluster* cluster);
mp_op* mp_cluster_look(const mp_cluster* cluster, double timeout);
enum mp_breaker { MP_BREAKER_AUTOMATIC = 0, MP_BREAKER_OPEN = 1, MP_BREAKER_CLOSED = 2 };
int mp_cluster_breaker(const mp_cluster* cluster, const char* node, int how, mp_error** error);
void mp_cluster_free(mp_cluster* cluster);
mp_session* mp_session_new(mp_cluster* cluster, const mp_config* habits, mp_error** error);
mp_session* mp_session_with(mp_session* session, const mp_config* habits, mp_error** error);
mp_text* mp_session_token(const mp_session* session);
int mp_session_observe(mp_session* session, const char* token, size_t length, mp_error** error);
int mp_session_in_transaction(const mp_session* session);
int mp_session_may_repeat(const mp_session* session, const char* sqlstate);
void mp_session_free(mp_session* session);
typedef struct mp_value {
  const char* data;
  size_t length;
  uint32_t type;
} mp_value;
typedef struct mp_statement {
  const char* sql;
  size_t sql_length;
  const mp_value* params;
  size_t param_count;
} mp_statement;
enum mp_route { MP_WRITE = 0, MP_READ = 1 };
enum mp_run_flags { MP_ATOMIC = 1, MP_IDEMPOTENT = 2, MP_SCRIPT = 4 };
enum mp_consistency { MP_HABITUAL = 0, MP_STRONG = 1, MP_SESSION = 2, MP_EVENTUAL = 3 };
enum mp_fallback {
  MP_FALLBACK_HABITUAL = 0, MP_FALLBACK_PRIMARY = 1, MP_FALLBACK_STALE = 2, MP_FALLBACK_ERROR = 3
};
typedef struct mp_run_options {
  size_t size;
  int32_t route;
  uint32_t flags;
  double timeout;
  int32_t consistency;
  int32_t fallback;
  double max_lag;
} mp_run_options;
enum mp_isolation {
  MP_DEFAULT_ISOLATION = 0, MP_READ_COMMITTED = 1, MP_REPEATABLE_READ = 2, MP_SERIALIZABLE = 3
};
typedef struct mp_tx_options {
  size_t size;
  int32_t isolation;
  int32_t read_only;
  int32_t deferrable;
  double timeout;
  const char* place;
  int32_t exactly_once;
  int32_t attempt;
} mp_tx_options;
mp_op* mp_run(mp_session* session, const mp_statement* statements, size_t count, const
  mp_run_options* options);
mp_op* mp_begin(mp_session* session, const mp_tx_options* options);
mp_op* mp_commit(mp_session* transaction);
mp_op* mp_rollback(mp_session* transaction);
mp_op* mp_ping(mp_session* session);
mp_op* mp_close(mp_cluster* cluster, double drain);
enum mp_status { MP_OK = 0, MP_FAILED = 1, MP_PENDING = 2 };
enum mp_interest { MP_NONE = 0, MP_READABLE = 1, MP_WRITABLE = 2 };
enum mp_wakeup { MP_READY = 0, MP_TIMED_OUT = 1, MP_CANCELLED = 2 };
typedef struct mp_wait {
  int32_t fd;
  int32_t interest;
  double timeout;
  mp_op* op;
} mp_wait;
int mp_op_run(mp_op* op);
int mp_op_step(mp_op* op, int wakeup, mp_wait* wait);
int mp_op_step_together(mp_op* op, int wakeup, mp_wait* wait);
int mp_wait_any(const mp_wait* waits, size_t count, double timeout, unsigned char* ready);
const mp_error* mp_op_error(const mp_op* op);
size_t mp_op_count(const mp_op* op);
mp_result* mp_op_result(mp_op* op, size_t index);
const mp_error* mp_op_statement_error(const mp_op* op, size_t index);
mp_session* mp_op_session(mp_op* op);
void mp_op_free(mp_op* op);
size_t mp_result_rows(const mp_result* result);
size_t mp_result_columns(const mp_result* result);
const char* mp_result_name(const mp_result* result, size_t column);
uint32_t mp_result_type(const mp_result* result, size_t column);
const char* mp_result_value(const mp_result* result, size_t row, size_t column, size_t* length);
const char* mp_result_tag(const mp_result* result);
int64_t mp_result_affected(const mp_result* result);
const char* mp_result_node(const mp_result* result);
size_t mp_result_memory(const mp_result* result);
void mp_result_free(mp_result* result);
mp_op* mp_stream_open(mp_session* session, const mp_statement* statement, const mp_run_options*
  options);
mp_op* mp_stream_next(mp_stream* stream, size_t max_rows);
void mp_stream_free(mp_stream* stream);
mp_op* mp_copy_in(mp_session* session, const char* sql, size_t length, const mp_run_options*
  options);
int mp_copy_value(mp_copy* copy, const char* data, size_t length);
void mp_copy_number(mp_copy* copy, double value);
void mp_copy_drop_row(mp_copy* copy);
int mp_copy_end_row(mp_copy* copy);
mp_op* mp_copy_put(mp_copy* copy, const char* data, size_t length);
mp_op* mp_copy_finish(mp_copy* copy);
mp_op* mp_copy_fail(mp_copy* copy, const char* reason, size_t length);
mp_op* mp_copy_out(mp_session* session, const char* sql, size_t length, const mp_run_options*
  options);
mp_op* mp_copy_get(mp_copy* copy);
mp_result* mp_copy_rows(const mp_result* like, const char* data, size_t length, mp_error** error);
void mp_copy_free(mp_copy* copy);
mp_op* mp_lend(mp_session* session, const mp_run_options* options);
void* mp_loan_connection(const mp_loan* loan);
int mp_loan_return(mp_loan* loan, mp_error** error);
void mp_loan_free(mp_loan* loan);
mp_stream* mp_op_stream(mp_op* op);
mp_copy* mp_op_copy(mp_op* op);
mp_loan* mp_op_loan(mp_op* op);
mp_text* mp_op_text(mp_op* op);
int64_t mp_op_affected(const mp_op* op);
typedef struct mp_listen_options {
  size_t size;
  double timeout;
  double probe;
} mp_listen_options;
typedef struct mp_note {
  const char* channel;
  const char* payload;
  size_t payload_length;
  const char* since;
  int32_t pid;
  int32_t gap;
} mp_note;
mp_op* mp_listen(mp_session* session, const mp_value* channels, size_t count, const
  mp_listen_options* options);
mp_op* mp_listener_next(mp_listener* listener, double timeout);
void mp_listener_free(mp_listener* listener);
mp_listener* mp_op_listener(mp_op* op);
const mp_note* mp_op_note(const mp_op* op);
int mp_servers_available(mp_error** error);
mp_servers* mp_servers_start(size_t replicas, mp_error** error);
const char* mp_servers_dsn(const mp_servers* servers, size_t index);
void mp_servers_free(mp_servers* servers);
enum mp_placeholder_style {
  MP_NO_PLACEHOLDERS = 0, MP_POSITIONAL = 1, MP_NAMED = 2, MP_NATIVE = 3
};
mp_sql* mp_sql_scan(const char* sql, size_t length, mp_error** error);
const char* mp_sql_text(const mp_sql* sql, size_t* length);
int mp_sql_style(const mp_sql* sql);
size_t mp_sql_count(const mp_sql* sql);
const char* mp_sql_name(const mp_sql* sql, size_t index);
void mp_sql_free(mp_sql* sql);
mp_script* mp_script_split(const char* text, size_t length);
size_t mp_script_count(const mp_script* script);
const char* mp_script_statement(const mp_script* script, size_t index, size_t* length);
size_t mp_script_line(const mp_script* script, size_t index);
int mp_script_complete(const mp_script* script, size_t index);
void mp_script_free(mp_script* script);
void mp_sha256(const void* data, size_t length, char out[65]);
size_t mp_valid_text_prefix(const char* text, size_t length);
double mp_clock(void);
void mp_sleep(double seconds);
typedef struct mp_observer mp_observer;
enum mp_event_kind {
  MP_EVENT_STATEMENT = 1, MP_EVENT_TRANSACTION = 2, MP_EVENT_ACQUIRE = 4, MP_EVENT_CONNECT = 8,
  MP_EVENT_USE = 16, MP_EVENT_RECOVER = 32, MP_EVENT_PROBE = 64, MP_EVENT_RETRY = 128,
  MP_EVENT_ROLE = 256, MP_EVENT_BREAKER = 512, MP_EVENT_AUDIT = 1024, MP_EVENT_LOG = 2048,
  MP_EVENT_NOTICE = 4096, MP_EVENT_ALL = 8191, MP_EVENT_BEGINS = 65536
};
enum mp_event_stage { MP_STAGE_BEGIN = 0, MP_STAGE_END = 1, MP_STAGE_POINT = 2 };
enum mp_level {
  MP_LEVEL_TRACE = 0, MP_LEVEL_DEBUG = 1, MP_LEVEL_INFO = 2, MP_LEVEL_WARNING = 3, MP_LEVEL_ERROR = 4
};
typedef struct mp_field {
  const char* key;
  const char* value;
} mp_field;
typedef struct mp_event {
  size_t size;
  int32_t kind;
  int32_t stage;
  int32_t level;
  int32_t attempt;
  uint64_t number;
  double at;
  uint64_t took;
  uint64_t pause;
  int64_t rows;
  uint64_t statements;
  uint32_t timeline;
  int32_t writes;
  const char* name;
  const char* node;
  const char* purpose;
  const char* operation;
  const char* statement;
  const char* fingerprint;
  const char* outcome;
  const char* error;
  const char* sqlstate;
  const char* who;
  const char* from;
  const char* to;
  const char* correlation_id;
  const char* traceparent;
  const char* message;
  const mp_field* fields;
  size_t field_count;
} mp_event;
typedef void (*mp_event_function)(const mp_event* event, void* data);
typedef struct mp_observe_options {
  size_t size;
  uint32_t kinds;
  int32_t level;
  mp_event_function call;
  void* data;
  size_t capacity;
} mp_observe_options;
mp_observer* mp_observe(const mp_cluster* cluster, const mp_observe_options* options, mp_error**
  error);
mp_cluster* mp_connect_observed(const mp_config* config, const mp_observe_options* options,
  mp_observer** observer, mp_error** error);
const mp_event* mp_observer_next(mp_observer* observer);
size_t mp_observer_waiting(const mp_observer* observer);
uint64_t mp_observer_lost(const mp_observer* observer);
void mp_observer_free(mp_observer* observer);
void mp_notices_to(mp_event_function call, void* data);
mp_text* mp_cluster_metrics(const mp_cluster* cluster);
]]

return M
