#include "wire/connect_error.hpp"

#include <array>

namespace moonpool::wire {
namespace {

// Both texts must be there; the second one may be empty.
struct Refusal {
  std::string_view text;
  std::string_view too;
  char const* sqlstate;
  char const* hint;
};

constexpr std::array<Refusal, 20> kRefusals = {{
    {"too many connections for", "", "53300", ""},
    {"too many clients already", "", "53300", "raise max_connections or lower the pools' max"},
    {"remaining connection slots", "", "53300", "raise max_connections or lower the pools' max"},
    {"the database system is starting up", "", "57P03", ""},
    {"the database system is shutting down", "", "57P03", ""},
    {"the database system is in recovery mode", "", "57P03", ""},
    {"the database system is not accepting connections", "", "57P03", ""},
    {"the database system is not yet accepting connections", "", "57P03", ""},
    {"terminating connection due to administrator command", "", "57P01", ""},
    {"password authentication failed", "", "28P01", "check user and password, or PGPASSFILE"},
    {"no password supplied", "", "28P01",
     "give a password in the connection string, PGPASSWORD or ~/.pgpass"},
    {"no pg_hba.conf entry", "", "28000",
     "the server's pg_hba.conf does not let this user in from here"},
    {"pg_hba.conf rejects connection", "", "28000",
     "the server's pg_hba.conf turns this user away"},
    {"authentication failed", "", "28000", ""},
    {"role \"", "\" does not exist", "28000", "the role does not exist"},
    {"role \"", "is not permitted to log in", "28000", "the role needs LOGIN"},
    {"permission denied for database", "", "42501", "the role needs CONNECT on the database"},
    {"database \"", "\" does not exist", "3D000", "the database does not exist"},
    {"is not currently accepting connections", "", "55000", ""},
    {"unsupported startup parameter", "", "08P01",
     "a connection pooler in between refuses a start-up option: say prepare = \"off\", and leave "
     "out "
     "statement_timeout and options"},
}};

}  // namespace

Error connect_error(std::string message, Conninfo const& info) {
  while (!message.empty() && message.back() == '\n') message.pop_back();
  ServerFields fields;
  std::string hint;
  // That no password was given is libpq's own finding.
  bool const from_server = message.find("FATAL:") != std::string::npos ||
                           message.find("fe_sendauth") != std::string::npos;
  for (auto const& refusal : kRefusals) {
    if (from_server && message.find(refusal.text) != std::string::npos &&
        message.find(refusal.too) != std::string::npos) {
      fields.sqlstate = refusal.sqlstate;
      fields.severity = "FATAL";
      hint = refusal.hint;
      break;
    }
  }
  if (!from_server && (message.find("Connection refused") != std::string::npos ||
                       message.find("No such file or directory") != std::string::npos)) {
    hint = "is the server running there? (`moonpool dev start` starts a private one)";
  }
  fields.message = message;
  Error error(std::move(fields));
  error.as(ErrorKind::connection, "cannot connect to " + info.display() + ": " + message);
  error.at(Phase::connect, Outcome::not_sent).hint(std::move(hint));
  return error;
}

}  // namespace moonpool::wire
