#pragma once

namespace moonpool::repl {

// From here on notices of the server, of every cluster of the process, are written to stderr as they come, in
// psql's form; behind what stands in stdout's buffer. What could steer a terminal is written as "?".
void show_notices();

}  // namespace moonpool::repl
