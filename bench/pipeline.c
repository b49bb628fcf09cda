/* What libpq alone can do: BENCH_TASKS tasks, each with one prepared point query under way, on BENCH_CONNECTIONS
 * connections in pipeline mode, one thread, a Sync behind each query. Prints "QUERIES_A_SECOND NAME". */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kMostTasks = 1024, kMostConnections = 64 };

typedef struct {
  PGconn* connection;
  int tasks[kMostTasks]; /* whose answers are owed, in order */
  int first, owed;
} Line;

static int number(const char* name) {
  const char* text = getenv(name);
  return text ? atoi(text) : 0;
}

static void die(PGconn* connection) {
  fprintf(stderr, "%s", PQerrorMessage(connection));
  exit(1);
}

static void ask(Line* line, int task, int round) {
  char id[16];
  const char* values[1] = {id};
  snprintf(id, sizeof id, "%d", (task * 7919 + round * 31) % 10000 + 1);
  if (!PQsendQueryPrepared(line->connection, "point", 1, values, NULL, NULL, 0)) die(line->connection);
  if (!PQpipelineSync(line->connection)) die(line->connection);
  line->tasks[(line->first + line->owed++) % kMostTasks] = task;
}

/* Every answer that is there; each lets its task ask again, up to `each` times. Gives how many came. */
static int take(Line* line, int* rounds, int each) {
  int taken = 0;
  if (!PQconsumeInput(line->connection)) die(line->connection);
  while (line->owed > 0 && !PQisBusy(line->connection)) {
    PGresult* result = PQgetResult(line->connection);
    if (!result) continue;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) {
      int task = line->tasks[line->first];
      if (atoi(PQgetvalue(result, 0, 0)) != (task * 7919 + rounds[task] * 31) % 10000 + 1) exit(2);
    } else if (status == PGRES_PIPELINE_SYNC) {
      int task = line->tasks[line->first];
      line->first = (line->first + 1) % kMostTasks;
      --line->owed;
      ++taken;
      if (++rounds[task] < each) ask(line, task, rounds[task]);
    } else {
      die(line->connection);
    }
    PQclear(result);
  }
  return taken;
}

static double run(Line* lines, int connections, int tasks, int each) {
  static int rounds[kMostTasks];
  struct pollfd polls[kMostConnections];
  struct timespec from, to;
  int left = tasks * each;
  memset(rounds, 0, sizeof rounds);
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (int task = 0; task < tasks; ++task) ask(&lines[task % connections], task, 0);
  while (left > 0) {
    for (int i = 0; i < connections; ++i) {
      int flushing = PQflush(lines[i].connection);
      if (flushing < 0) die(lines[i].connection);
      polls[i].fd = PQsocket(lines[i].connection);
      polls[i].events = (short)(flushing ? POLLIN | POLLOUT : POLLIN);
    }
    if (poll(polls, (nfds_t)connections, 10000) <= 0) exit(3);
    for (int i = 0; i < connections; ++i) {
      if (polls[i].revents) left -= take(&lines[i], rounds, each);
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

int main(void) {
  static Line lines[kMostConnections];
  int tasks = number("BENCH_TASKS"), connections = number("BENCH_CONNECTIONS"), each = number("BENCH_EACH");
  if (tasks < 1 || tasks > kMostTasks || connections < 1 || connections > kMostConnections) return 4;
  for (int i = 0; i < connections; ++i) {
    PGconn* connection = PQconnectdb(getenv("MOONPOOL_PRIMARY"));
    if (PQstatus(connection) != CONNECTION_OK) die(connection);
    PGresult* prepared = PQprepare(connection, "point", getenv("BENCH_POINT"), 0, NULL);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) die(connection);
    PQclear(prepared);
    if (!PQenterPipelineMode(connection) || PQsetnonblocking(connection, 1) != 0) die(connection);
    lines[i].connection = connection;
  }
  run(lines, connections, tasks, 20);
  printf("%.0f libpq in C, pipelines\n", tasks * each / run(lines, connections, tasks, each));
  for (int i = 0; i < connections; ++i) PQfinish(lines[i].connection);
  return 0;
}
