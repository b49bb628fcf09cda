#include "exit_codes.hpp"

namespace moonpool::repl {

int exit_code_for(Error const& error) {
  switch (error.kind()) {
    case ErrorKind::config:
      return kUsage;
    case ErrorKind::connection:
    case ErrorKind::environment:
    case ErrorKind::no_healthy_node:
    case ErrorKind::no_primary:
    case ErrorKind::circuit_open:
      return kUnreachable;
    case ErrorKind::retry_exhausted:
      return error.causes().empty() ? kFailure : exit_code_for(error.causes().back());
    default:
      return kFailure;
  }
}

}  // namespace moonpool::repl
