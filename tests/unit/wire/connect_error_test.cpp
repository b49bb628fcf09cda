#include "wire/connect_error.hpp"

#include <string>

#include "support/catch.hpp"

namespace moonpool::wire {
namespace {

Error refused(std::string message) {
  return connect_error(std::move(message),
                       Conninfo::parse("host=db port=5433 dbname=d user=u password=p"));
}

std::string fatal(std::string_view text) {
  return "connection to server at \"db\" (10.0.0.1), port 5433 failed: FATAL:  " +
         std::string(text) + "\n";
}

TEST_CASE("the refusals of a server are known by their text") {
  struct Case {
    char const* text;
    char const* sqlstate;
    bool retryable;
  };
  for (auto const& [text, sqlstate, retryable] :
       {Case{"password authentication failed for user \"u\"", "28P01", false},
        {"no pg_hba.conf entry for host \"10.0.0.2\", user \"u\", database \"d\", no encryption",
         "28000", false},
        {"pg_hba.conf rejects connection for host \"10.0.0.2\", user \"u\", database \"d\", no "
         "encryption",
         "28000", false},
        {"Peer authentication failed for user \"u\"", "28000", false},
        {"Ident authentication failed for user \"u\"", "28000", false},
        {"role \"u\" does not exist", "28000", false},
        {"role \"u\" is not permitted to log in", "28000", false},
        {"database \"d\" does not exist", "3D000", false},
        {"database \"d\" is not currently accepting connections", "55000", false},
        {"permission denied for database \"d\"", "42501", false},
        {"too many connections for role \"u\"", "53300", true},
        {"too many connections for database \"d\"", "53300", true},
        {"sorry, too many clients already", "53300", true},
        {"remaining connection slots are reserved for non-replication superuser connections",
         "53300", true},
        {"remaining connection slots are reserved for roles with the SUPERUSER attribute", "53300",
         true},
        {"the database system is starting up", "57P03", true},
        {"the database system is shutting down", "57P03", true},
        {"the database system is in recovery mode", "57P03", true},
        {"the database system is not accepting connections", "57P03", true},
        {"the database system is not yet accepting connections", "57P03", true},
        {"terminating connection due to administrator command", "57P01", true},
        {"unsupported startup parameter: options", "08P01", false}}) {
    auto const error = refused(fatal(text));
    INFO(text);
    CHECK(error.sqlstate() == sqlstate);
    CHECK(error.kind() == ErrorKind::connection);
    CHECK(error.phase() == Phase::connect);
    CHECK(error.outcome() == Outcome::not_sent);
    CHECK(error.server().severity == "FATAL");
    CHECK(error.retryable() == retryable);
    CHECK_THAT(error.message(), moonpool::test::contains("cannot connect to u@db:5433/d"));
    CHECK_THAT(error.message(), moonpool::test::contains(text));
    CHECK(error.message().back() != '\n');
  }
}

TEST_CASE("what no server said has no code, and may be tried again") {
  for (auto const* text :
       {"connection to server on socket \"/x/.s.PGSQL.1\" failed: Connection refused",
        "connection to server on socket \"/x/.s.PGSQL.1\" failed: No such file or directory",
        "server closed the connection unexpectedly"}) {
    auto const error = refused(text);
    INFO(text);
    CHECK(error.sqlstate().empty());
    CHECK(error.kind() == ErrorKind::connection);
    CHECK(error.retryable());
  }
  CHECK_THAT(refused("Connection refused").hint(),
             moonpool::test::contains("is the server running"));
  CHECK(refused(fatal("database \"Connection refused\" does not exist")).sqlstate() == "3D000");
}

TEST_CASE("a refusal in another language is an error of the connection") {
  auto const error = refused(fatal("Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen"));
  CHECK(error.sqlstate().empty());
  CHECK(error.kind() == ErrorKind::connection);
}

}  // namespace
}  // namespace moonpool::wire
