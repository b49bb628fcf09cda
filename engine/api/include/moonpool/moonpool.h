/* moonpool.h: the C ABI of Moonpool, the only door between the engine and Lua.
 *
 * The Lua modules bind to these functions with LuaJIT's FFI; any other language can do the same.
 *
 * Rules that hold everywhere:
 *  - Handles are opaque. Who gets one from a function named here "gives" owns it and frees it with the
 *    _free function of its type; freeing NULL does nothing. Borrowed pointers say whose life they lean on.
 *  - No C++ exception crosses this line and the engine never calls back, but for what mp_observe was given.
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
typedef struct mp_stream mp_stream;
typedef struct mp_copy mp_copy;
typedef struct mp_loan mp_loan;
typedef struct mp_listener mp_listener;
typedef struct mp_servers mp_servers;

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
/* For who repeats whole transactions: takes the price of one repetition from what the cluster bears (the
 * settings retry.budget and retry.ratio), after a failure with this SQLSTATE (NULL: none). 1, or 0: it is
 * spent, and the work should fail. Serialization failures and deadlocks cost nothing. */
MP_API int mp_session_may_repeat(const mp_session* session, const char* sqlstate) MP_NOEXCEPT;
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
  int32_t read_only;    /* 1: READ ONLY */
  int32_t deferrable;   /* 1: DEFERRABLE */
  double timeout;       /* seconds for the whole transaction; 0: the session's habit */
  const char* place;    /* where it is begun, for the warning about leaks; copied; may be NULL */
  int32_t exactly_once; /* 1: a COMMIT whose answer was lost is looked up; see mp_commit */
  int32_t attempt; /* the how-manieth run of a function that can be run again; 0: of none. Where the
                           key test_rerun is set, the COMMIT of a first one is a rollback instead */
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
 * transaction is over too; error kind commit_unknown says that nobody knows how. Of a transaction that is
 * exactly_once a lost COMMIT is looked up, for at most thirty seconds: it succeeds where the transaction was
 * committed, and fails with the outcome "rejected" where it is proven that it was not. */
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
  mp_op* op;        /* for mp_wait_any: waits for what this operation waits for; NULL: for fd */
} mp_wait;

/* To the end, blocking this thread as long as the deadline allows. MP_OK or MP_FAILED. */
MP_API int mp_op_run(mp_op* op) MP_NOEXCEPT;
/* As far as it goes without waiting. MP_PENDING fills `wait`: step again with MP_READY when the
 * descriptor is ready, MP_TIMED_OUT when the time has come, MP_CANCELLED to make it end early. */
MP_API int mp_op_step(mp_op* op, int wakeup, mp_wait* wait) MP_NOEXCEPT;
/* The same for who will wait by mp_wait_any alone, with the `wait` that this fills: operations that share
 * a connection then need no descriptor each. */
MP_API int mp_op_step_together(mp_op* op, int wakeup, mp_wait* wait) MP_NOEXCEPT;
/* For whoever steps several operations on one thread: blocks until a descriptor of `waits` is ready, at
 * most `timeout` seconds (negative: without end; the waits' own timeouts are not looked at). ready[i]
 * becomes 1 where waits[i] is, else 0. Gives how many are; 0 when the time has passed; -1 when the
 * program was interrupted (Ctrl-C in the shell). */
MP_API int mp_wait_any(const mp_wait* waits, size_t count, double timeout,
                       unsigned char* ready) MP_NOEXCEPT;
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

/* ---- Streams and COPY ------------------------------------------------------------------------ *
 *
 * Both keep a connection until they have ended or are freed; freeing is safe at any time, in the middle
 * too. A timeout in the options is for the whole of it; without one each operation has the session's. Inside
 * a transaction a stream is a cursor, so its statement must be a query and other statements may run between
 * its rows; a COPY keeps the connection, so they are refused until it has ended. The end of the
 * transaction ends both. */

/* Runs a statement, as far as its first answer, and gives by mp_op_stream a stream of its rows. `options`
 * NULL: on the primary. */
MP_API mp_op* mp_stream_open(mp_session* session, const mp_statement* statement,
                             const mp_run_options* options) MP_NOEXCEPT;
/* One result, by mp_op_result: at least one row and at most `max_rows` (0: some hundred), as soon as
 * there are any. A result without rows is the end and has the command tag; after it none is given. An
 * error comes after the rows that came before it. */
MP_API mp_op* mp_stream_next(mp_stream* stream, size_t max_rows) MP_NOEXCEPT;
/* Freed early, the server is told to stop. */
MP_API void mp_stream_free(mp_stream* stream) MP_NOEXCEPT;

/* Starts one COPY … FROM STDIN, on the primary; mp_op_copy gives it. */
MP_API mp_op* mp_copy_in(mp_session* session, const char* sql, size_t length,
                         const mp_run_options* options) MP_NOEXCEPT;
/* Gathers one value of a row in COPY's text format, escaped; data NULL is SQL NULL. 0: no text in
 * PostgreSQL can hold these bytes; the whole row is dropped then. */
MP_API int mp_copy_value(mp_copy* copy, const char* data, size_t length) MP_NOEXCEPT;
/* The same for a number, exactly. */
MP_API void mp_copy_number(mp_copy* copy, double value) MP_NOEXCEPT;
/* Drops the values since the last row ended. */
MP_API void mp_copy_drop_row(mp_copy* copy) MP_NOEXCEPT;
/* Ends the row. 1: so much is gathered that it is time for mp_copy_put. */
MP_API int mp_copy_end_row(mp_copy* copy) MP_NOEXCEPT;
/* Adds raw data (NULL: none), in whatever format the COPY was told, and sends what is gathered. Waits
 * only while the server has not taken what was sent before. An error ends the COPY, and nothing is
 * stored. */
MP_API mp_op* mp_copy_put(mp_copy* copy, const char* data, size_t length) MP_NOEXCEPT;
/* Ends the COPY; mp_op_affected tells the rows that were stored. */
MP_API mp_op* mp_copy_finish(mp_copy* copy) MP_NOEXCEPT;
/* Ends the COPY so that nothing is stored; the server's log quotes the reason. Succeeds always. */
MP_API mp_op* mp_copy_fail(mp_copy* copy, const char* reason, size_t length) MP_NOEXCEPT;

/* Starts one COPY … TO STDOUT; mp_op_copy gives it. */
MP_API mp_op* mp_copy_out(mp_session* session, const char* sql, size_t length,
                          const mp_run_options* options) MP_NOEXCEPT;
/* The next piece of data, of whole rows, by mp_op_text. An empty one is the end, and then
 * mp_op_affected tells how many rows came. */
MP_API mp_op* mp_copy_get(mp_copy* copy) MP_NOEXCEPT;
/* Gives the rows of such a piece, in text format, as a result with the columns of `like`; NULL and an
 * error where it has other columns. */
MP_API mp_result* mp_copy_rows(const mp_result* like, const char* data, size_t length,
                               mp_error** error) MP_NOEXCEPT;
/* Freed in the middle, nothing of it is stored, and the server is told to stop. */
MP_API void mp_copy_free(mp_copy* copy) MP_NOEXCEPT;

/* Lends a connection to somebody who speaks libpq: blocking, out of pipeline mode, on the node that
 * `options` name (NULL: the primary); inside a transaction that one's connection, and the transaction is not
 * to be ended. mp_op_loan gives it. */
MP_API mp_op* mp_lend(mp_session* session, const mp_run_options* options) MP_NOEXCEPT;
/* The PGconn*; leans on the loan. NULL when it was returned, or its transaction is over. Not to be
 * finished. */
MP_API void* mp_loan_connection(const mp_loan* loan) MP_NOEXCEPT;
/* Returns the connection. Its settings are restored before its next user. 1, or 0 and an error: a
 * transaction had been left open (it is rolled back), or it came back broken (it is closed). */
MP_API int mp_loan_return(mp_loan* loan, mp_error** error) MP_NOEXCEPT;
/* Returns it too, if that was not done. */
MP_API void mp_loan_free(mp_loan* loan) MP_NOEXCEPT;

/* What these operations give, once each. */
MP_API mp_stream* mp_op_stream(mp_op* op) MP_NOEXCEPT;
MP_API mp_copy* mp_op_copy(mp_op* op) MP_NOEXCEPT;
MP_API mp_loan* mp_op_loan(mp_op* op) MP_NOEXCEPT;
MP_API mp_text* mp_op_text(mp_op* op) MP_NOEXCEPT;
MP_API int64_t mp_op_affected(const mp_op* op) MP_NOEXCEPT;

/* ---- Listening ------------------------------------------------------------------------------- */

typedef struct mp_listen_options {
  size_t size;
  double timeout; /* seconds for the first connection; 0: the session's habit */
  double probe;   /* after so many seconds of silence the server is asked for a sign; 0: 15 */
} mp_listen_options;

/* What NOTIFY sent; or, where gap is 1, the news that the connection was lost and is back: notes sent
 * after `since` (the server's time, as SQL reads it) may have been missed. Text ends in NUL. */
typedef struct mp_note {
  const char* channel;
  const char* payload;
  size_t payload_length;
  const char* since;
  int32_t pid; /* of the sender */
  int32_t gap;
} mp_note;

/* Listens to channels, which are names, on a connection of its own to the primary. Ends when it does, and
 * gives it by mp_op_listener. Not inside a transaction. `options` may be NULL. */
MP_API mp_op* mp_listen(mp_session* session, const mp_value* channels, size_t count,
                        const mp_listen_options* options) MP_NOEXCEPT;
/* The next note, by mp_op_note: NULL there when so many seconds passed without one (negative: no end).
 * Fails where the connection was lost and could not be replaced by then; the next call tries again. */
MP_API mp_op* mp_listener_next(mp_listener* listener, double timeout) MP_NOEXCEPT;
/* Lets go of the connection, once no operation waits on it. */
MP_API void mp_listener_free(mp_listener* listener) MP_NOEXCEPT;
MP_API mp_listener* mp_op_listener(mp_op* op) MP_NOEXCEPT;
/* Leans on the operation. */
MP_API const mp_note* mp_op_note(const mp_op* op) MP_NOEXCEPT;

/* ---- Servers for tests ----------------------------------------------------------------------- */

/* 1 where this machine has a PostgreSQL to start; else 0 and an error that says what was looked for and what to
 * install. Waits for the programs that it asks. */
MP_API int mp_servers_available(mp_error** error) MP_NOEXCEPT;
/* Starts a private PostgreSQL and so many replicas of it on Unix sockets, and waits until they take
 * connections, which takes seconds. They end with mp_servers_free or with this process, however that ends, and nothing
 * of them stays. On failure NULL, and gives an error. */
MP_API mp_servers* mp_servers_start(size_t replicas, mp_error** error) MP_NOEXCEPT;
/* The connection string of the primary (0) or of a replica; NULL past the last. Leans on the servers. */
MP_API const char* mp_servers_dsn(const mp_servers* servers, size_t index) MP_NOEXCEPT;
MP_API void mp_servers_free(mp_servers* servers) MP_NOEXCEPT;

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

#include "moonpool/observe.h"

#endif
