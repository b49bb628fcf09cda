/* observe.h: the part of the C ABI that shows what the engine does. Included by moonpool.h.
 *
 * An observer is told of events: by a function, on whichever thread met them, or into a queue that one thread
 * empties when it likes.
 */
#ifndef MOONPOOL_OBSERVE_H
#define MOONPOOL_OBSERVE_H

#include "moonpool/moonpool.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mp_observer mp_observer;

/* What an event tells of. */
enum mp_event_kind {
  MP_EVENT_STATEMENT = 1,   /* one execution of one or several statements; each attempt is one */
  MP_EVENT_TRANSACTION = 2, /* `to`: committed, rolled_back, unknown, abandoned */
  MP_EVENT_ACQUIRE = 4,     /* finding a connection for a call */
  MP_EVENT_CONNECT = 8,     /* opening a connection */
  MP_EVENT_USE = 16,        /* how long a connection was lent */
  MP_EVENT_RECOVER = 32,    /* a connection whose work was cut short; `to`: in_step, closed */
  MP_EVENT_PROBE = 64,      /* a look at a node */
  MP_EVENT_RETRY = 128,     /* a call is about to be run again, after `pause` */
  MP_EVENT_ROLE = 256,      /* a node's role changed, `from` and `to` */
  MP_EVENT_BREAKER = 512,   /* a breaker's state changed, `from` and `to` */
  MP_EVENT_AUDIT = 1024,    /* a statement that may write, or a transaction, has ended */
  MP_EVENT_LOG = 2048,      /* a line of the log: level, name, message, fields */
  MP_EVENT_NOTICE = 4096,   /* what the server says beside its answers (RAISE NOTICE, warnings), as it comes: message,
                               sqlstate; fields: severity, detail, hint. Its words may quote values. */
  MP_EVENT_ALL = 8191,
  MP_EVENT_BEGINS = 65536 /* added to kinds: begins are told too, not only ends */
};
enum mp_event_stage { MP_STAGE_BEGIN = 0, MP_STAGE_END = 1, MP_STAGE_POINT = 2 };
enum mp_level {
  MP_LEVEL_TRACE = 0,
  MP_LEVEL_DEBUG = 1,
  MP_LEVEL_INFO = 2,
  MP_LEVEL_WARNING = 3,
  MP_LEVEL_ERROR = 4
};

typedef struct mp_field {
  const char* key;
  const char* value;
} mp_field;

/* Text is never NULL; what is not known, or says nothing of this kind, is "" or 0. Values of parameters,
 * literals of statements and secrets are never in it, but for what a notice quotes. */
typedef struct mp_event {
  size_t size;
  int32_t kind; /* one of mp_event_kind */
  int32_t stage;
  int32_t level; /* of a line */
  int32_t attempt;
  uint64_t number; /* the same at the begin and at the end of one thing */
  double at;       /* seconds since 1970 */
  uint64_t took;   /* nanoseconds, at the end */
  uint64_t pause;  /* nanoseconds, of a retry */
  int64_t rows;
  uint64_t statements;
  uint32_t timeline; /* of a role */
  int32_t writes;    /* 1: may write, as far as the text tells */
  const char* name;  /* of the kind: "statement"; of a line: "pool.leak" */
  const char* node;
  const char* purpose;   /* write, read, fallback */
  const char* operation; /* SELECT, INSERT, …; BATCH, SCRIPT */
  const char* statement; /* normalised: literals are ? */
  const char* fingerprint;
  const char* outcome; /* at the end: ok, or the outcome of the error */
  const char* error;   /* the kind of error, or PostgreSQL's condition */
  const char* sqlstate;
  const char* who; /* the context laid on: "role=app, app.user_id=7" */
  const char* from;
  const char* to;
  const char* correlation_id;
  const char* traceparent;
  const char* message; /* of a line, of a notice */
  const mp_field* fields;
  size_t field_count;
} mp_event;

typedef void (*mp_event_function)(const mp_event* event, void* data);

typedef struct mp_observe_options {
  size_t size;
  uint32_t kinds; /* mp_event_kind, added up */
  int32_t level;  /* the least level of lines, for MP_EVENT_LOG */
  /* Called for each event, on whichever thread met it, several at once, while the engine waits: it must be quick,
   * must not call into the cluster, and must not free the observer. NULL: events are queued. */
  mp_event_function call;
  void* data;
  size_t capacity; /* of the queue; 0: 4096. When it is full the oldest event is dropped. */
} mp_observe_options;

/* Gives an observer of a cluster and all its sessions. While one takes MP_EVENT_LOG, the engine writes no lines
 * itself; while one takes MP_EVENT_NOTICE, notices are no lines. NULL and an error where the options make no sense. */
MP_API mp_observer* mp_observe(const mp_cluster* cluster, const mp_observe_options* options,
                               mp_error** error) MP_NOEXCEPT;
/* mp_connect with an observer from its first moment on: it misses no event and no line, where one that is made
 * after the connect may miss the first. Gives it by `observer`. On failure NULL for both, and an error. */
MP_API mp_cluster* mp_connect_observed(const mp_config* config, const mp_observe_options* options,
                                       mp_observer** observer, mp_error** error) MP_NOEXCEPT;
/* The oldest event in the queue, NULL when there is none. Leans on the observer, until the next call. One thread
 * at a time. */
MP_API const mp_event* mp_observer_next(mp_observer* observer) MP_NOEXCEPT;
/* How many are queued, and how many were dropped. */
MP_API size_t mp_observer_waiting(const mp_observer* observer) MP_NOEXCEPT;
MP_API uint64_t mp_observer_lost(const mp_observer* observer) MP_NOEXCEPT;
/* Ends it: once this returns, its function is not called any more. */
MP_API void mp_observer_free(mp_observer* observer) MP_NOEXCEPT;

/* For programs: the function that is called with the notices of every cluster made from now on, as the function of
 * an observer is, until an observer of that cluster takes notices itself. NULL: notices are lines of the log. */
MP_API void mp_notices_to(mp_event_function call, void* data) MP_NOEXCEPT;

/* Gives the cluster's metrics in Prometheus' text format. What happens is counted from the first call on, or
 * from the beginning where the configuration says metrics = true. */
MP_API mp_text* mp_cluster_metrics(const mp_cluster* cluster) MP_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
