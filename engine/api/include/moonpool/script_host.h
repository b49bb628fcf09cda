/* script_host.h: Lua scripts inside a host program, as a C ABI. C++ programs use script_host.hpp.
 *
 * The rules of moonpool.h hold here too. A host belongs to one thread at a time; mp_host_interrupt may
 * be called from any thread and from a signal handler.
 */
#ifndef MOONPOOL_SCRIPT_HOST_H
#define MOONPOOL_SCRIPT_HOST_H

#include "moonpool/moonpool.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mp_host mp_host;
typedef struct mp_host_value mp_host_value;

/* ---- Values: nil, boolean, integer, number, text, list, map --------------------------------------- */

enum mp_host_type {
  MP_HOST_NIL = 0,
  MP_HOST_BOOLEAN = 1,
  MP_HOST_INTEGER = 2,
  MP_HOST_NUMBER = 3,
  MP_HOST_TEXT = 4,
  MP_HOST_LIST = 5,
  MP_HOST_MAP = 6
};

/* Each gives a value, or NULL when memory is out. */
MP_API mp_host_value* mp_host_nil(void) MP_NOEXCEPT;
MP_API mp_host_value* mp_host_boolean(int value) MP_NOEXCEPT;
MP_API mp_host_value* mp_host_integer(int64_t value) MP_NOEXCEPT;
MP_API mp_host_value* mp_host_number(double value) MP_NOEXCEPT;
MP_API mp_host_value* mp_host_text(const char* data, size_t length) MP_NOEXCEPT;
MP_API mp_host_value* mp_host_list(void) MP_NOEXCEPT;
MP_API mp_host_value* mp_host_map(void) MP_NOEXCEPT;
/* Adds an item to a list, or, with a key, a field to a map. Takes `item` over, also when it fails.
 * Returns 1, or 0 where `to` is neither or memory is out. */
MP_API int mp_host_add(mp_host_value* to, const char* key, size_t key_length,
                       mp_host_value* item) MP_NOEXCEPT;

MP_API int mp_host_type_of(const mp_host_value* value) MP_NOEXCEPT;
/* Of a value of that type; 0 and NULL of any other. */
MP_API int mp_host_as_boolean(const mp_host_value* value) MP_NOEXCEPT;
MP_API int64_t mp_host_as_integer(const mp_host_value* value) MP_NOEXCEPT;
MP_API double mp_host_as_number(const mp_host_value* value) MP_NOEXCEPT;
/* Leans on the value. */
MP_API const char* mp_host_as_text(const mp_host_value* value, size_t* length) MP_NOEXCEPT;
/* How many items or fields; both lean on the value and are NULL past the end. */
MP_API size_t mp_host_count(const mp_host_value* value) MP_NOEXCEPT;
MP_API const mp_host_value* mp_host_item(const mp_host_value* value, size_t index) MP_NOEXCEPT;
MP_API const char* mp_host_key(const mp_host_value* value, size_t index,
                               size_t* length) MP_NOEXCEPT;
/* Only for values that a function here gave, not for items of them. */
MP_API void mp_host_value_free(mp_host_value* value) MP_NOEXCEPT;

/* ---- Hosts ----------------------------------------------------------------------------------------- */

typedef struct mp_host_options {
  size_t size;
  uint64_t memory_limit; /* bytes that a running script may hold; 0: no limit */
  double time_limit;     /* seconds that one run may take; 0: no limit */
} mp_host_options;

/* Gives a host whose scripts see `moonpool` and, where a cluster is given, `db`. The cluster stays the
 * caller's; the host keeps a handle of its own. Options NULL: no limits. On failure NULL and an error. */
MP_API mp_host* mp_host_new(const mp_cluster* cluster, const mp_host_options* options,
                            mp_error** error) MP_NOEXCEPT;
MP_API void mp_host_free(mp_host* host) MP_NOEXCEPT;

/* Sets a global. The value stays the caller's. Returns 1, or 0 and gives an error. */
MP_API int mp_host_set(mp_host* host, const char* name, const mp_host_value* value,
                       mp_error** error) MP_NOEXCEPT;
/* Each gives a value: the global, or the first that the script or function returned. Results and rows of
 * queries arrive as lists of maps. On failure NULL and an error, a database error with all its fields;
 * the host can be used afterwards. */
MP_API mp_host_value* mp_host_get(mp_host* host, const char* name, mp_error** error) MP_NOEXCEPT;
/* `args` is a list, or NULL; the script sees it as `...`. */
MP_API mp_host_value* mp_host_run_file(mp_host* host, const char* path, const mp_host_value* args,
                                       mp_error** error) MP_NOEXCEPT;
MP_API mp_host_value* mp_host_run_string(mp_host* host, const char* code, size_t length,
                                         const char* name, mp_error** error) MP_NOEXCEPT;
/* Calls a global function, "report" or "reports.daily". */
MP_API mp_host_value* mp_host_call(mp_host* host, const char* function, const mp_host_value* args,
                                   mp_error** error) MP_NOEXCEPT;
/* Who called whom when the last run failed; "" where nothing is known. Leans on the host. */
MP_API const char* mp_host_traceback(const mp_host* host) MP_NOEXCEPT;
/* Ends the running script, as soon as it runs code in the interpreter, with the error "interrupted". */
MP_API void mp_host_interrupt(mp_host* host) MP_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
