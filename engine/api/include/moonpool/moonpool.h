/* moonpool.h: the C ABI of Moonpool, the only door between the engine and Lua.
 *
 * The Lua modules bind to these functions with LuaJIT's FFI; any other language can do the same.
 *
 * Rules that hold everywhere:
 *  - Handles are opaque. Who gets one from a function named here "gives" owns it and frees it with the
 *    _free function of its type; freeing NULL does nothing. Borrowed pointers say whose life they lean on.
 *  - No C++ exception crosses this line and the engine never calls back.
 *  - Text goes in as pointer and length and need not end in NUL; it is copied before the call returns.
 *    Text that comes out ends in NUL and is UTF-8.
 *  - What waits for the network is an operation (mp_op): start it, then either run it to its end
 *    (mp_op_run, blocks) or step it from an event loop (mp_op_step). Starting never waits and never
 *    fails: a call that is wrong yields an operation that fails.
 *  - Threads: a cluster may be used from any thread. A session, its operations and their results
 *    belong to one thread at a time.
 *  - Structs that callers fill begin with `size`, their own sizeof, so that they can grow.
 */
#ifndef MOONPOOL_H
#define MOONPOOL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MP_API __attribute__((visibility("default")))
#else
#define MP_API
#endif

#ifdef __cplusplus
#define MP_NOEXCEPT noexcept
extern "C" {
#else
#define MP_NOEXCEPT
#endif

#define MP_ABI_VERSION 1

typedef struct mp_error mp_error;
typedef struct mp_config mp_config;
typedef struct mp_cluster mp_cluster;
typedef struct mp_session mp_session;
typedef struct mp_op mp_op;
typedef struct mp_result mp_result;
typedef struct mp_sql mp_sql;
typedef struct mp_script mp_script;
typedef struct mp_text mp_text;

/* MP_ABI_VERSION of the library that answers. A caller compiled against another number must stop. */
MP_API uint32_t mp_abi_version(void) MP_NOEXCEPT;
/* "0.1.0"; static. */
MP_API const char* mp_version(void) MP_NOEXCEPT;

/* ---- Errors --------------------------------------------------------------------------------- */

enum mp_error_text_field {
  MP_ERROR_NAME =
      0, /* what users test: a kind ("timeout") or PostgreSQL's condition ("unique_violation") */
  MP_ERROR_MESSAGE = 1,     /* the bare sentence */
  MP_ERROR_LINE = 2,        /* one line: name, message, SQLSTATE, node */
  MP_ERROR_DESCRIPTION = 3, /* the line, the caret under the statement, HINT, attempts */
  MP_ERROR_KIND = 4,        /* the kind even where the name is a condition: "server" */
  MP_ERROR_OUTCOME = 5,     /* not_sent, rejected, unknown, committed_local */
  MP_ERROR_PHASE = 6,       /* prepare, acquire, connect, send, wait, commit */
  MP_ERROR_NODE = 7,
  MP_ERROR_QUERY = 8,
  MP_ERROR_HINT = 9,
  MP_ERROR_SQLSTATE = 10, /* from here on the server's own fields */
  MP_ERROR_SEVERITY = 11,
  MP_ERROR_DETAIL = 12,
  MP_ERROR_CONTEXT = 13,
  MP_ERROR_SCHEMA = 14,
  MP_ERROR_TABLE = 15,
  MP_ERROR_COLUMN = 16,
  MP_ERROR_DATA_TYPE = 17,
  MP_ERROR_CONSTRAINT = 18,
  MP_ERROR_INTERNAL_QUERY = 19
};

enum mp_error_number_field {
  MP_ERROR_POSITION = 0, /* in characters, 1-based; 0: none */
  MP_ERROR_INTERNAL_POSITION = 1,
  MP_ERROR_ATTEMPT = 2,
  MP_ERROR_RETRYABLE = 3, /* 1: the same work may be run again without the risk of running twice */
  MP_ERROR_IN_DOUBT = 4,  /* 1: the work may have taken effect */
  MP_ERROR_CAUSES = 5     /* how many mp_error_cause knows */
};

/* The text of a field, or NULL where it is empty. Leans on the error. */
MP_API const char* mp_error_text(const mp_error* error, int field) MP_NOEXCEPT;
MP_API int64_t mp_error_number(const mp_error* error, int field) MP_NOEXCEPT;
/* Earlier attempts of the same call, oldest first; NULL past the last. Leans on the error. */
MP_API const mp_error* mp_error_cause(const mp_error* error, size_t index) MP_NOEXCEPT;
MP_API void mp_error_free(mp_error* error) MP_NOEXCEPT;

/* ---- Text the library gives ------------------------------------------------------------------ */

MP_API const char* mp_text_data(const mp_text* text, size_t* length) MP_NOEXCEPT;
MP_API void mp_text_free(mp_text* text) MP_NOEXCEPT;

/* ---- Configuration --------------------------------------------------------------------------- */

/* Gives a configuration with every default. */
MP_API mp_config* mp_config_new(void) MP_NOEXCEPT;
/* Sets one key. Nested keys are dotted ("pool.max"); "replicas" and "nodes" add one more each time.
 * Values are text, as a user writes them: "8", "250ms", "true". Returns 1, or 0 and gives an error that
 * names the key, what it got and what it takes; the configuration is then unchanged. */
MP_API int mp_config_set(mp_config* config, const char* key, const char* value, size_t length,
                         mp_error** error) MP_NOEXCEPT;
MP_API void mp_config_free(mp_config* config) MP_NOEXCEPT;

/* ---- Cluster --------------------------------------------------------------------------------- */

/* Gives a cluster. Opens no connection yet. The configuration stays the caller's. Without `primary`,
 * `replicas`, `nodes` or `dsn` in it: MOONPOOL_DSN, else DATABASE_URL, else libpq's environment, else
 * the embedded development cluster, which is started if it does not run (the one case that waits).
 * On failure NULL, and gives an error. */
MP_API mp_cluster* mp_connect(const mp_config* config, mp_error** error) MP_NOEXCEPT;
/* Gives another handle on the same cluster, for another owner. */
MP_API mp_cluster* mp_cluster_share(const mp_cluster* cluster) MP_NOEXCEPT;
/* Gives a JSON document with nodes, roles, lag, pools, breakers and recent changes of roles, as last seen. What
 * is not known is null. */
MP_API mp_text* mp_cluster_stats(const mp_cluster* cluster) MP_NOEXCEPT;
/* Waits until every node was asked once for its role, at most `timeout` seconds; never for longer than nodes
 * are given to answer. Does not fail because they do not. */
MP_API mp_op* mp_cluster_look(const mp_cluster* cluster, double timeout) MP_NOEXCEPT;

enum mp_breaker {
  MP_BREAKER_AUTOMATIC = 0,
  MP_BREAKER_OPEN = 1,  /* nobody is let to the node */
  MP_BREAKER_CLOSED = 2 /* everybody is */
};
/* An operator's word on a node, until it is taken back (MP_BREAKER_AUTOMATIC). Returns 1, or 0 and an error. */
MP_API int mp_cluster_breaker(const mp_cluster* cluster, const char* node, int how,
                              mp_error** error) MP_NOEXCEPT;
/* Drops this handle; the last one closes the cluster without draining. Sessions keep it alive. */
MP_API void mp_cluster_free(mp_cluster* cluster) MP_NOEXCEPT;

/* ---- Sessions -------------------------------------------------------------------------------- */

/* Gives a session: what statements are run on. It remembers its own writes, so that its reads see
 * them. `habits` (NULL: the cluster's) changes the cluster's in the keys it sets: timeout, consistency,
 * max_lag, max_lag_bytes, fallback, slow_query, retry.*, pinned.
 * pinned "true": the session keeps one connection for writes from its first statement until it is
 * freed, so what belongs to a connection (advisory locks, temporary tables) lasts. */
MP_API mp_session* mp_session_new(mp_cluster* cluster, const mp_config* habits,
                                  mp_error** error) MP_NOEXCEPT;
/* Another handle on the same server state with other habits: inside a transaction it is the same
 * transaction. */
MP_API mp_session* mp_session_with(mp_session* session, const mp_config* habits,
                                   mp_error** error) MP_NOEXCEPT;
/* Gives what the session's reads must have seen, as text to hand to a session elsewhere: another request of
 * the same user, another process. "" when it has written nothing. */
MP_API mp_text* mp_session_token(const mp_session* session) MP_NOEXCEPT;
/* Takes such a token in: from now on this session's reads see those writes. Returns 1, or 0 and an error. */
MP_API int mp_session_observe(mp_session* session, const char* token, size_t length,
                              mp_error** error) MP_NOEXCEPT;
/* 1 inside a transaction that is not over yet. */
MP_API int mp_session_in_transaction(const mp_session* session) MP_NOEXCEPT;
/* A transaction that is not over yet is abandoned: its connection is closed, never reused, so the
 * server rolls back. */
MP_API void mp_session_free(mp_session* session) MP_NOEXCEPT;

/* ---- Operations ------------------------------------------------------------------------------ */

/* A parameter in PostgreSQL's text form. data NULL is SQL NULL. type 0: the server infers it. */
typedef struct mp_value {
  const char* data;
  size_t length;
  uint32_t type;
} mp_value;

typedef struct mp_statement {
  const char* sql; /* parameters are $1, $2, … */
  size_t sql_length;
  const mp_value* params;
  size_t param_count;
} mp_statement;

enum mp_route { MP_WRITE = 0, MP_READ = 1 };
enum mp_run_flags {
  MP_ATOMIC = 1,     /* several statements: all or none, in one transaction */
  MP_IDEMPOTENT = 2, /* running it twice does no harm: it may be repeated after a lost answer */
  MP_SCRIPT = 4 /* one statement whose text may hold several, without parameters (simple protocol):
                        a result for each of them in order, up to the first error */
};

enum mp_consistency {
  MP_HABITUAL = 0,
  MP_STRONG = 1,  /* everything committed before it: the primary */
  MP_SESSION = 2, /* what this session has written */
  MP_EVENTUAL = 3 /* anything */
};
enum mp_fallback {
  MP_FALLBACK_HABITUAL = 0,
  MP_FALLBACK_PRIMARY = 1,
  MP_FALLBACK_STALE = 2, /* a replica that is further behind than max_lag */
  MP_FALLBACK_ERROR = 3  /* no_healthy_node */
};

typedef struct mp_run_options {
  size_t size;
  int32_t route;
  uint32_t flags;
  double timeout; /* seconds; 0: the session's habit */
  /* Of a read (MP_READ); 0: the session's habit. */
  int32_t consistency; /* mp_consistency: what it must have seen */
  int32_t fallback;    /* mp_fallback: where it goes when no replica may serve it */
  double max_lag;      /* seconds that the replica may be behind */
} mp_run_options;

enum mp_isolation {
  MP_DEFAULT_ISOLATION = 0,
  MP_READ_COMMITTED = 1,
  MP_REPEATABLE_READ = 2,
  MP_SERIALIZABLE = 3
};

typedef struct mp_tx_options {
  size_t size;
  int32_t isolation;
  int32_t read_only;  /* 1: READ ONLY */
  int32_t deferrable; /* 1: DEFERRABLE */
  double timeout;     /* seconds for the whole transaction; 0: the session's habit */
} mp_tx_options;

/* Runs statements in one round trip. Results and errors are kept by index. Options NULL: a write.
 * Not atomic: each statement stands alone, a failing one does not hinder the next. The operation as a
 * whole fails with the first error. */
MP_API mp_op* mp_run(mp_session* session, const mp_statement* statements, size_t count,
                     const mp_run_options* options) MP_NOEXCEPT;
/* Begins a transaction, or inside one a savepoint. mp_op_session gives its session. BEGIN itself rides
 * with the first statement, so this waits for a connection only. */
MP_API mp_op* mp_begin(mp_session* session, const mp_tx_options* options) MP_NOEXCEPT;
/* Ends the transaction (releases the savepoint) that the session stands for. After a failed commit the
 * transaction is over too; error kind commit_unknown says that nobody knows how. */
MP_API mp_op* mp_commit(mp_session* transaction) MP_NOEXCEPT;
MP_API mp_op* mp_rollback(mp_session* transaction) MP_NOEXCEPT;
/* One round trip to the primary and back. */
MP_API mp_op* mp_ping(mp_session* session) MP_NOEXCEPT;
/* Closes the cluster: no new work, running work ends or is cut after `drain` seconds. */
MP_API mp_op* mp_close(mp_cluster* cluster, double drain) MP_NOEXCEPT;

enum mp_status { MP_OK = 0, MP_FAILED = 1, MP_PENDING = 2 };
enum mp_interest { MP_NONE = 0, MP_READABLE = 1, MP_WRITABLE = 2 };
enum mp_wakeup { MP_READY = 0, MP_TIMED_OUT = 1, MP_CANCELLED = 2 };

typedef struct mp_wait {
  int32_t fd;       /* -1: only the time */
  int32_t interest; /* mp_interest, added up */
  double timeout;   /* seconds from now until MP_TIMED_OUT is due; negative: none */
} mp_wait;

/* To the end, blocking this thread as long as the deadline allows. MP_OK or MP_FAILED. */
MP_API int mp_op_run(mp_op* op) MP_NOEXCEPT;
/* As far as it goes without waiting. MP_PENDING fills `wait`: step again with MP_READY when the
 * descriptor is ready, MP_TIMED_OUT when the time has come, MP_CANCELLED to make it end early. */
MP_API int mp_op_step(mp_op* op, int wakeup, mp_wait* wait) MP_NOEXCEPT;
/* After the end. The error of the whole operation, NULL when it is MP_OK. Leans on the operation. */
MP_API const mp_error* mp_op_error(const mp_op* op) MP_NOEXCEPT;
/* How many statements it ran. */
MP_API size_t mp_op_count(const mp_op* op) MP_NOEXCEPT;
/* Gives the result of one statement, once; NULL where it failed. */
MP_API mp_result* mp_op_result(mp_op* op, size_t index) MP_NOEXCEPT;
/* The error of one statement, NULL where it has none. Leans on the operation. */
MP_API const mp_error* mp_op_statement_error(const mp_op* op, size_t index) MP_NOEXCEPT;
/* Gives the session that mp_begin made, once. */
MP_API mp_session* mp_op_session(mp_op* op) MP_NOEXCEPT;
/* Freeing an operation that has not ended cancels it; its connection is not reused as it is. */
MP_API void mp_op_free(mp_op* op) MP_NOEXCEPT;

/* ---- Results --------------------------------------------------------------------------------- */

MP_API size_t mp_result_rows(const mp_result* result) MP_NOEXCEPT;
MP_API size_t mp_result_columns(const mp_result* result) MP_NOEXCEPT;
MP_API const char* mp_result_name(const mp_result* result, size_t column) MP_NOEXCEPT;
/* The type's OID, as the server names it for the column. */
MP_API uint32_t mp_result_type(const mp_result* result, size_t column) MP_NOEXCEPT;
/* PostgreSQL's text form of a value; NULL is SQL NULL. Leans on the result. Row and column must be in
 * range: they are not checked, this is the hot path. */
MP_API const char* mp_result_value(const mp_result* result, size_t row, size_t column,
                                   size_t* length) MP_NOEXCEPT;
/* The command tag: "INSERT 0 1". */
MP_API const char* mp_result_tag(const mp_result* result) MP_NOEXCEPT;
/* Rows the command touched, by its tag; 0 where it speaks of none. */
MP_API int64_t mp_result_affected(const mp_result* result) MP_NOEXCEPT;
/* The name of the node that answered. */
MP_API const char* mp_result_node(const mp_result* result) MP_NOEXCEPT;
/* Bytes it holds outside the caller's sight: for collectors that must feel its weight. */
MP_API size_t mp_result_memory(const mp_result* result) MP_NOEXCEPT;
MP_API void mp_result_free(mp_result* result) MP_NOEXCEPT;

/* ---- SQL text -------------------------------------------------------------------------------- */

enum mp_placeholder_style {
  MP_NO_PLACEHOLDERS = 0,
  MP_POSITIONAL = 1,
  MP_NAMED = 2,
  MP_NATIVE = 3
};

/* Gives a statement with `?` and `:name` rewritten to $n; NULL and an error where that cannot be. */
MP_API mp_sql* mp_sql_scan(const char* sql, size_t length, mp_error** error) MP_NOEXCEPT;
MP_API const char* mp_sql_text(const mp_sql* sql, size_t* length) MP_NOEXCEPT;
MP_API int mp_sql_style(const mp_sql* sql) MP_NOEXCEPT;
MP_API size_t mp_sql_count(const mp_sql* sql) MP_NOEXCEPT;
/* MP_NAMED: the name of parameter index + 1. */
MP_API const char* mp_sql_name(const mp_sql* sql, size_t index) MP_NOEXCEPT;
MP_API void mp_sql_free(mp_sql* sql) MP_NOEXCEPT;

/* Gives a script cut at the semicolons that end statements. */
MP_API mp_script* mp_script_split(const char* text, size_t length) MP_NOEXCEPT;
MP_API size_t mp_script_count(const mp_script* script) MP_NOEXCEPT;
MP_API const char* mp_script_statement(const mp_script* script, size_t index,
                                       size_t* length) MP_NOEXCEPT;
/* 1-based line of the statement in the script. */
MP_API size_t mp_script_line(const mp_script* script, size_t index) MP_NOEXCEPT;
/* 0 for a last statement that does not end in a semicolon, or ends inside a literal. */
MP_API int mp_script_complete(const mp_script* script, size_t index) MP_NOEXCEPT;
MP_API void mp_script_free(mp_script* script) MP_NOEXCEPT;

/* Writes 64 hexadecimal digits and a NUL. */
MP_API void mp_sha256(const void* data, size_t length, char out[65]) MP_NOEXCEPT;
/* Bytes of `text` before the first one that PostgreSQL refuses in text (NUL, broken UTF-8). */
MP_API size_t mp_valid_text_prefix(const char* text, size_t length) MP_NOEXCEPT;
/* Seconds on a monotonic clock; only differences mean something. */
MP_API double mp_clock(void) MP_NOEXCEPT;
/* Blocks this thread. */
MP_API void mp_sleep(double seconds) MP_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
