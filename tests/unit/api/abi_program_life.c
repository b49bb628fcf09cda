/* The second half of abi_program.h: what ends early, transactions, scripts, small tools. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "moonpool/moonpool.h"
#include "unit/api/abi_program.h"

static char said[1024];

#define MUST(condition)                                                         \
  do {                                                                          \
    if (!(condition)) {                                                         \
      snprintf(said, sizeof said, "%s:%d: %s", __FILE__, __LINE__, #condition); \
      return said;                                                              \
    }                                                                           \
  } while (0)

static mp_cluster* cluster_of(const char* dsn) {
  mp_cluster* cluster = NULL;
  mp_config* config = mp_config_new();
  if (mp_config_set(config, "primary", dsn, strlen(dsn), NULL) == 1)
    cluster = mp_connect(config, NULL);
  mp_config_free(config);
  return cluster;
}

static mp_op* start(mp_session* session, const char* sql, double timeout, unsigned flags) {
  mp_statement statement;
  mp_run_options options;
  statement.sql = sql;
  statement.sql_length = strlen(sql);
  statement.params = NULL;
  statement.param_count = 0;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.timeout = timeout;
  options.flags = flags;
  return mp_run(session, &statement, 1, &options);
}

static int ends(mp_op* op, int expected) {
  int status = mp_op_run(op);
  mp_op_free(op);
  return status == expected;
}

static int does(mp_session* session, const char* sql) {
  return ends(start(session, sql, 0, 0), MP_OK);
}
static int fails(mp_session* session, const char* sql) {
  return ends(start(session, sql, 0, 0), MP_FAILED);
}
static int is(const char* text, const char* expected) {
  return text != NULL && strcmp(text, expected) == 0;
}

static mp_session* begun(mp_session* session, const mp_tx_options* options) {
  mp_session* transaction = NULL;
  mp_op* op = mp_begin(session, options);
  if (mp_op_run(op) == MP_OK) transaction = mp_op_session(op);
  mp_op_free(op);
  return transaction;
}

const char* abi_times_out_and_cancels(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_wait wait;
  double begin = mp_clock();
  mp_op* op = start(session, "select pg_sleep(20)", 0.1, 0);
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(mp_clock() - begin < 0.1 + 0.25);
  MUST(is(mp_error_text(mp_op_error(op), MP_ERROR_NAME), "timeout"));
  MUST(mp_error_number(mp_op_error(op), MP_ERROR_IN_DOUBT) == 1);
  mp_op_free(op);
  op = start(session, "select pg_sleep(20)", 0, 0);
  while (mp_op_step(op, MP_READY, &wait) == MP_PENDING) {
    if (mp_clock() - begin > 0.4) break;
    mp_sleep(0.01);
  }
  while (mp_op_step(op, MP_CANCELLED, &wait) == MP_PENDING) mp_sleep(0.01);
  MUST(is(mp_error_text(mp_op_error(op), MP_ERROR_NAME), "cancelled"));
  mp_op_free(op);
  MUST(does(session, "select 1"));
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_abandons_an_operation(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_wait wait;
  int steps;
  for (steps = 0; steps < 6; ++steps) {
    mp_op* op = start(session, "select pg_sleep(0.2)", 0, 0);
    int i;
    for (i = 0; i < steps; ++i) {
      if (mp_op_step(op, MP_READY, &wait) != MP_PENDING) break;
      mp_sleep(0.005);
    }
    mp_op_free(op);
  }
  MUST(does(session, "select 1"));
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

/* An operation keeps what it needs: handles may go before it has begun. */
const char* abi_frees_a_session_early(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_session* transaction;
  mp_op* op = mp_ping(session);
  mp_session_free(session);
  MUST(ends(op, MP_OK));
  session = mp_session_new(cluster, NULL, NULL);
  op = start(session, "select 1", 0, 0);
  mp_session_free(session);
  MUST(ends(op, MP_OK));
  session = mp_session_new(cluster, NULL, NULL);
  transaction = begun(session, NULL);
  MUST(does(transaction, "select 1"));
  op = mp_commit(transaction);
  mp_session_free(transaction);
  MUST(ends(op, MP_OK));
  transaction = begun(session, NULL);
  MUST(does(transaction, "select 1"));
  op = mp_rollback(transaction);
  mp_session_free(transaction);
  MUST(ends(op, MP_OK));
  op = mp_begin(session, NULL);
  mp_session_free(session);
  mp_cluster_free(cluster);
  MUST(ends(op, MP_OK));
  return NULL;
}

const char* abi_transacts(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_session* transaction;
  mp_session* nested;
  mp_session* other;
  mp_tx_options options;
  MUST(does(session, "create table if not exists abi_tx (a int)"));
  MUST(does(session, "truncate abi_tx"));
  MUST(mp_session_in_transaction(session) == 0);
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.isolation = MP_SERIALIZABLE;
  transaction = begun(session, &options);
  MUST(transaction != NULL);
  MUST(mp_session_in_transaction(transaction) == 1);
  MUST(does(transaction, "insert into abi_tx values (1)"));
  nested = begun(transaction, NULL);
  MUST(does(nested, "insert into abi_tx values (2)"));
  MUST(ends(mp_rollback(nested), MP_OK));
  mp_session_free(nested);
  other = mp_session_with(transaction, NULL, NULL);
  MUST(does(other, "insert into abi_tx values (3)"));
  MUST(mp_session_in_transaction(other) == 1);
  mp_session_free(other);
  MUST(ends(mp_commit(transaction), MP_OK));
  MUST(mp_session_in_transaction(transaction) == 0);
  mp_session_free(transaction);
  MUST(
      does(session,
           "do $$ begin assert (select array_agg(a order by a) from abi_tx) = array[1,3]; end $$"));
  options.isolation = 77;
  MUST(ends(mp_begin(session, &options), MP_FAILED));
  options.isolation = MP_DEFAULT_ISOLATION;
  options.read_only = 1;
  transaction = begun(session, &options);
  MUST(fails(transaction, "insert into abi_tx values (4)"));
  MUST(ends(mp_rollback(transaction), MP_OK));
  mp_session_free(transaction);
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_misuses_a_transaction(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_session* transaction;
  mp_session* nested;
  MUST(ends(mp_commit(session), MP_FAILED));
  MUST(ends(mp_rollback(session), MP_FAILED));
  transaction = begun(session, NULL);
  nested = begun(transaction, NULL);
  MUST(fails(transaction, "select 1"));
  MUST(ends(mp_commit(transaction), MP_FAILED));
  MUST(ends(mp_commit(nested), MP_OK));
  MUST(fails(nested, "select 1"));
  MUST(ends(mp_commit(transaction), MP_OK));
  MUST(fails(transaction, "select 1"));
  MUST(ends(mp_commit(transaction), MP_FAILED));
  mp_session_free(nested);
  mp_session_free(transaction);
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_abandons_a_transaction(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_session* transaction;
  MUST(does(session, "create table if not exists abi_abandoned (a int)"));
  MUST(does(session, "truncate abi_abandoned"));
  transaction = begun(session, NULL);
  MUST(does(transaction, "insert into abi_abandoned values (1)"));
  mp_session_free(transaction);
  MUST(does(session, "do $$ begin assert (select count(*) from abi_abandoned) = 0; end $$"));
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_runs_a_script(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_statement statement = {"select $1", 9, NULL, 1};
  mp_value value = {"1", 1, 0};
  mp_run_options options;
  mp_result* result;
  mp_op* op = start(session, "select 1; select 2; selec", 0, MP_SCRIPT);
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(is(mp_error_text(mp_op_error(op), MP_ERROR_SQLSTATE), "42601"));
  mp_op_free(op);
  op = start(session, "select 1; select 2", 0, MP_SCRIPT);
  MUST(mp_op_run(op) == MP_OK);
  MUST(mp_op_count(op) == 2);
  result = mp_op_result(op, 1);
  MUST(result != NULL);
  mp_result_free(result);
  mp_op_free(op);
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.flags = MP_SCRIPT;
  statement.params = &value;
  MUST(ends(mp_run(session, &statement, 1, &options), MP_FAILED));
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_scans_and_splits(const char* dsn) {
  mp_error* error = NULL;
  size_t length = 0;
  const char* text = "select ?, '?'";
  mp_sql* sql = mp_sql_scan(text, strlen(text), &error);
  mp_script* script;
  (void)dsn;
  MUST(sql != NULL);
  MUST(is(mp_sql_text(sql, &length), "select $1, '?'") && length == 14);
  MUST(mp_sql_style(sql) == MP_POSITIONAL);
  MUST(mp_sql_count(sql) == 1);
  MUST(mp_sql_name(sql, 0) == NULL);
  mp_sql_free(sql);
  sql = mp_sql_scan("select :a, :b", 13, &error);
  MUST(mp_sql_style(sql) == MP_NAMED);
  MUST(is(mp_sql_name(sql, 1), "b"));
  MUST(mp_sql_name(sql, 2) == NULL);
  mp_sql_free(sql);
  MUST(mp_sql_scan("select ?, :b", 12, &error) == NULL);
  MUST(is(mp_error_text(error, MP_ERROR_NAME), "usage"));
  mp_error_free(error);
  MUST(mp_sql_scan("select '", 8, NULL) == NULL);
  text = "select 1;\nselect ';'; select 3";
  script = mp_script_split(text, strlen(text));
  MUST(mp_script_count(script) == 3);
  text = mp_script_statement(script, 1, &length);
  MUST(length == 10 && strncmp(text, "select ';'", length) == 0);
  MUST(mp_script_line(script, 1) == 2);
  MUST(mp_script_complete(script, 1) == 1);
  MUST(mp_script_complete(script, 2) == 0);
  mp_script_free(script);
  return NULL;
}

const char* abi_tells_its_state(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_text* text;
  size_t length = 0;
  MUST(does(session, "select 1"));
  text = mp_cluster_stats(cluster);
  MUST(strlen(mp_text_data(text, &length)) == length);
  MUST(mp_text_data(text, NULL)[0] == '{');
  MUST(strstr(mp_text_data(text, NULL), "\"name\":\"primary\"") != NULL);
  MUST(strstr(mp_text_data(text, NULL), "\"acquired\":1") != NULL);
  mp_text_free(text);
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_closes(const char* dsn) {
  mp_cluster* cluster = cluster_of(dsn);
  mp_session* session = mp_session_new(cluster, NULL, NULL);
  mp_op* op;
  MUST(does(session, "select 1"));
  MUST(ends(mp_close(cluster, 2), MP_OK));
  MUST(ends(mp_close(cluster, 0), MP_OK));
  op = start(session, "select 1", 0, 0);
  MUST(mp_op_run(op) == MP_FAILED);
  MUST(is(mp_error_text(mp_op_error(op), MP_ERROR_NAME), "cluster_closed"));
  mp_op_free(op);
  mp_session_free(session);
  mp_cluster_free(cluster);
  return NULL;
}

const char* abi_has_small_tools(const char* dsn) {
  char digest[65];
  double begin = mp_clock();
  (void)dsn;
  mp_sha256("abc", 3, digest);
  MUST(is(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  mp_sha256("", 0, digest);
  MUST(is(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  MUST(mp_valid_text_prefix("ab\0c", 4) == 2);
  MUST(mp_valid_text_prefix("gr\xC3\xBC", 4) == 4);
  mp_sleep(0.02);
  mp_sleep(-1);
  MUST(mp_clock() - begin >= 0.02);
  MUST(mp_clock() - begin < 1);
  return NULL;
}
