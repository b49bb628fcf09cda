/* The C ABI, used from C. Each function is one scenario: NULL when it went as it must, else what did
 * not. `dsn` names the primary. */
#ifndef ABI_PROGRAM_H
#define ABI_PROGRAM_H

#ifdef __cplusplus
extern "C" {
#endif

const char* abi_names_itself(const char* dsn);
const char* abi_frees_nothing(const char* dsn);
const char* abi_refuses_configuration(const char* dsn);
const char* abi_cannot_connect(const char* dsn);
const char* abi_runs_a_statement(const char* dsn);
const char* abi_tells_an_error(const char* dsn);
const char* abi_runs_batches(const char* dsn);
const char* abi_steps_from_a_loop(const char* dsn);
const char* abi_times_out_and_cancels(const char* dsn);
const char* abi_abandons_an_operation(const char* dsn);
const char* abi_frees_a_session_early(const char* dsn);
const char* abi_transacts(const char* dsn);
const char* abi_misuses_a_transaction(const char* dsn);
const char* abi_abandons_a_transaction(const char* dsn);
const char* abi_runs_a_script(const char* dsn);
const char* abi_scans_and_splits(const char* dsn);
const char* abi_tells_its_state(const char* dsn);
const char* abi_closes(const char* dsn);
const char* abi_has_small_tools(const char* dsn);

#ifdef __cplusplus
}
#endif

#endif
