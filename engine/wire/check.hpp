#pragma once

#include <string>

#include "wire/statement.hpp"

namespace moonpool::wire {

// Refuses what must not be sent: NUL or broken UTF-8, more than 65,535 parameters, a message past
// PostgreSQL's limit, COPY from or to the client (it would break the pipeline). Throws Error(usage).
void check_statement(Statement const& statement);

// Refuses what is not one COPY … FROM STDIN (`in`) or COPY … TO STDOUT. Throws Error(usage).
void check_copy(std::string const& sql, bool in);

}  // namespace moonpool::wire
