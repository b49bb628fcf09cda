#include "unit/api/abi_program.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "moonpool/moonpool.h"

static char said[1024];

/* Only the first thing that went wrong is told; what is open then is left open. */
#define MUST(condition)                                                         \
  do {                                                                          \
    if (!(condition)) {                                                         \
      snprintf(said, sizeof said, "%s:%d: %s", __FILE__, __LINE__, #condition); \
      return said;                                                              \
    }                                                                           \
  } while (0)

static mp_cluster* cluster_of(const char* dsn) {
  mp_error* error = NULL;
  mp_cluster* cluster = NULL;
  mp_config* config = mp_config_new();
  if (mp_config_set(config, "primary", dsn, strlen(dsn), &error) == 1)
    cluster = mp_connect(config, &error);
  mp_config_free(config);
  mp_error_free(error);
  return cluster;
}

static mp_statement plain(const char* sql) {
  mp_statement statement;
  statement.sql = sql;
  statement.sql_length = strlen(sql);
  statement.params = NULL;
  statement.param_count = 0;
  return statement;
}

static mp_op* start(mp_session* session, const char* sql) {
  mp_statement statement = plain(sql);
  return mp_run(session, &statement, 1, NULL);
}

/* 1 when the statement succeeded and its first value is `expected`. */
static int gives(mp_session* session, const char* sql, const char* expected) {
  size_t length = 0;
  int same = 0;
  mp_op* op = start(session, sql);
  if (mp_op_run(op) == MP_OK) {
    mp_result* result = mp_op_result(op, 0);
    if (result != NULL && mp_result_rows(result) > 0) {
      const char* value = mp_result_value(result, 0, 0, &length);
      same = value != NULL && strlen(expected) == length && memcmp(value, expected, length) == 0;
    }
    mp_result_free(result);
  }
  mp_op_free(op);
  return same;
}

static int does(mp_session* session, const char* sql) {
  mp_op* op = start(session, sql);
  int status = mp_op_run(op);
  mp_op_free(op);
  return status == MP_OK;
}

static int is(const char* text, const char* expected) {
  return text != NULL && strcmp(text, expected) == 0;
}

const char* abi_names_itself(const char* dsn) {
  (void)dsn;
  MUST(mp_abi_version() == MP_ABI_VERSION);
  MUST(strlen(mp_version()) >= 5);
  return NULL;
}

const char* abi_frees_nothing(const char* dsn) {
  (void)dsn;
  mp_error_free(NULL);
  mp_text_free(NULL);
  mp_config_free(NULL);
  mp_cluster_free(NULL);
  mp_session_free(NULL);
  mp_op_free(NULL);
  mp_result_free(NULL);
  mp_sql_free(NULL);
  mp_script_free(NULL);
  return NULL;
}

const char* abi_refuses_configuration(const char* dsn) {
  mp_error* error = NULL;
  mp_config* config = mp_config_new();
  (void)dsn;
  MUST(mp_config_set(config, "pool.max", "8", 1, &error) == 1);
  MUST(error == NULL);
  MUST(mp_config_set(config, "pool.mox", "8", 1, &error) == 0);
  MUST(is(mp_error_text(error, MP_ERROR_NAME), "config"));
  MUST(strstr(mp_error_text(error, MP_ERROR_MESSAGE), "did you mean 'pool.max'?") != NULL);
  mp_error_free(error);
  error = NULL;
  MUST(mp_config_set(config, "pool.max", "many", 4, &error) == 0);
  MUST(strstr(mp_error_text(error, MP_ERROR_LINE), "pool.max") != NULL);
  MUST(mp_error_text(error, 9999) == NULL);
  MUST(mp_error_number(error, 9999) == 0);
  MUST(mp_error_cause(error, 0) == NULL);
  mp_error_free(error);
  MUST(mp_config_set(config, "timeout", "soon", 4, NULL) == 0);
  mp_config_free(config);
  return NULL;
}

const char* abi_cannot_connect(const char* dsn) {
  mp_error* error = NULL;
  mp_config* config = mp_config_new();
  mp_cluster* cluster;
  mp_session* session;
  mp_op* op;
  const char* nowhere = "host=/nowhere/at/all";
  (void)dsn;
  MUST(mp_config_set(config, "primary", nowhere, strlen(nowhere), &error) == 1);
  MUST(mp_config_set(config, "retry.attempts", "1", 1, &error) == 1);
  cluster = mp_connect(config, &error);
  mp_config_free(config);
  MUST(cluster != NULL);
  session = mp_session_new(cluster, NULL, &error);
  op = start(session, "select 1");
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(is(mp_error_text(mp_op_error(op), MP_ERROR_OUTCOME), "not_sent"));
  MUST(is(mp_error_text(mp_op_error(op), MP_ERROR_KIND), "connection"));
  MUST(mp_error_number(mp_op_error(op), MP_ERROR_RETRYABLE) == 1);
  MUST(mp_error_number(mp_op_error(op), MP_ERROR_IN_DOUBT) == 0);
  MUST(mp_op_result(op, 0) == NULL);
  MUST(mp_op_statement_error(op, 7) == NULL);
  mp_op_free(op);
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_runs_a_statement(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_statement statement = plain("select $1::text as a, $2::int8 as b, $3::text as c, '' as d");
  mp_value values[3] = {{"it's", 4, 0}, {"9007199254740993", 16, 0}, {NULL, 0, 0}};
  mp_run_options options;
  mp_result* result;
  mp_op* op;
  size_t length = 99;
  char text[] = "select 'copied'";
  statement.params = values;
  statement.param_count = 3;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.route = MP_READ;
  options.timeout = 5;
  op = mp_run(session, &statement, 1, &options);
  MUST(mp_op_run(op) == MP_OK);
  MUST(mp_op_error(op) == NULL);
  MUST(mp_op_count(op) == 1);
  result = mp_op_result(op, 0);
  MUST(mp_op_result(op, 0) == NULL);
  MUST(mp_op_result(op, 1) == NULL);
  mp_op_free(op);
  MUST(mp_result_rows(result) == 1);
  MUST(mp_result_columns(result) == 4);
  MUST(is(mp_result_name(result, 1), "b"));
  MUST(mp_result_type(result, 1) == 20);
  MUST(is(mp_result_value(result, 0, 0, &length), "it's") && length == 4);
  MUST(is(mp_result_value(result, 0, 1, &length), "9007199254740993") && length == 16);
  MUST(mp_result_value(result, 0, 2, &length) == NULL && length == 0);
  MUST(is(mp_result_value(result, 0, 3, &length), "") && length == 0);
  MUST(is(mp_result_tag(result), "SELECT 1"));
  MUST(mp_result_affected(result) == 1);
  MUST(is(mp_result_node(result), "primary"));
  MUST(mp_result_memory(result) > 0);
  mp_result_free(result);
  /* Text is copied before the call returns. */
  statement = plain(text);
  op = mp_run(session, &statement, 1, NULL);
  memset(text, 'x', sizeof text - 1);
  MUST(mp_op_run(op) == MP_OK);
  mp_op_free(op);
  op = mp_run(session, NULL, 0, NULL);
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(is(mp_error_text(mp_op_error(op), MP_ERROR_NAME), "usage"));
  mp_op_free(op);
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_tells_an_error(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  const mp_error* error;
  mp_op* op;
  MUST(does(session, "create table if not exists abi_errors (a int constraint abi_unique unique)"));
  MUST(does(session, "truncate abi_errors"));
  MUST(does(session, "insert into abi_errors values (1)"));
  op = start(session, "insert into abi_errors values (1)");
  MUST(mp_op_run(op) == MP_FAILED);
  error = mp_op_error(op);
  MUST(is(mp_error_text(error, MP_ERROR_NAME), "unique_violation"));
  MUST(is(mp_error_text(error, MP_ERROR_KIND), "server"));
  MUST(is(mp_error_text(error, MP_ERROR_SQLSTATE), "23505"));
  MUST(is(mp_error_text(error, MP_ERROR_OUTCOME), "rejected"));
  MUST(is(mp_error_text(error, MP_ERROR_PHASE), "wait"));
  MUST(is(mp_error_text(error, MP_ERROR_SEVERITY), "ERROR"));
  MUST(is(mp_error_text(error, MP_ERROR_CONSTRAINT), "abi_unique"));
  MUST(is(mp_error_text(error, MP_ERROR_TABLE), "abi_errors"));
  MUST(is(mp_error_text(error, MP_ERROR_NODE), "primary"));
  MUST(is(mp_error_text(error, MP_ERROR_QUERY), "insert into abi_errors values (1)"));
  MUST(mp_error_text(error, MP_ERROR_DETAIL) != NULL);
  MUST(strstr(mp_error_text(error, MP_ERROR_DESCRIPTION), "Key (a)") == NULL);
  MUST(mp_op_statement_error(op, 0) != NULL);
  mp_op_free(op);
  op = start(session, "select nmae");
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(mp_error_number(mp_op_error(op), MP_ERROR_POSITION) == 8);
  MUST(strstr(mp_error_text(mp_op_error(op), MP_ERROR_DESCRIPTION), "LINE 1: select nmae") != NULL);
  mp_op_free(op);
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_runs_batches(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_statement batch[3];
  mp_run_options options;
  mp_result* result;
  mp_op* op;
  MUST(does(session, "create table if not exists abi_batch (a int unique)"));
  MUST(does(session, "truncate abi_batch"));
  batch[0] = plain("insert into abi_batch values (1)");
  batch[1] = plain("insert into abi_batch values (1)");
  batch[2] = plain("insert into abi_batch values (2)");
  op = mp_run(session, batch, 3, NULL);
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(mp_op_count(op) == 3);
  result = mp_op_result(op, 2);
  MUST(result != NULL);
  mp_result_free(result);
  MUST(mp_op_result(op, 1) == NULL);
  MUST(mp_op_statement_error(op, 0) == NULL);
  MUST(is(mp_error_text(mp_op_statement_error(op, 1), MP_ERROR_NAME), "unique_violation"));
  mp_op_free(op);
  MUST(gives(session, "select count(*) from abi_batch", "2"));
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.flags = MP_ATOMIC;
  batch[0] = plain("insert into abi_batch values (3)");
  op = mp_run(session, batch, 3, &options);
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(is(mp_error_text(mp_op_error(op), MP_ERROR_NAME), "unique_violation"));
  MUST(mp_op_statement_error(op, 0) != NULL);
  mp_op_free(op);
  MUST(gives(session, "select count(*) from abi_batch", "2"));
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_steps_from_a_loop(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_op* op = start(session, "select 'stepped' from pg_sleep(0.05)");
  mp_wait wait;
  int waits = 0;
  int status = mp_op_step(op, MP_READY, &wait);
  while (status == MP_PENDING) {
    struct pollfd watched;
    int ready;
    ++waits;
    watched.fd = wait.interest == MP_NONE ? -1 : wait.fd;
    watched.events = (short)(((wait.interest & MP_READABLE) != 0 ? POLLIN : 0) |
                             ((wait.interest & MP_WRITABLE) != 0 ? POLLOUT : 0));
    watched.revents = 0;
    MUST(wait.timeout > 0);
    ready = poll(&watched, 1, (int)(wait.timeout * 1000) + 1);
    status = mp_op_step(op, ready > 0 ? MP_READY : MP_TIMED_OUT, &wait);
  }
  MUST(status == MP_OK);
  MUST(waits >= 1);
  MUST(mp_op_step(op, MP_READY, &wait) == MP_OK);
  MUST(mp_op_run(op) == MP_OK);
  mp_op_free(op);
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}
