#include "base/error.hpp"

#include <set>
#include <string>
#include <thread>
#include <type_traits>

#include "support/catch.hpp"

namespace moonpool {
namespace {

ServerFields fields(std::string sqlstate, std::string message, std::string severity = "ERROR") {
  ServerFields out;
  out.sqlstate = std::move(sqlstate);
  out.message = std::move(message);
  out.severity = std::move(severity);
  out.routine = "exec_simple_query";
  return out;
}

Error of_kind(ErrorKind kind, Phase phase, Outcome outcome) {
  return Error(kind, "words").at(phase, outcome);
}

TEST_CASE("an error of ours starts as not sent, in preparation, without a server's fields") {
  Error const error(ErrorKind::usage, "two parameters are missing");
  CHECK(error.kind() == ErrorKind::usage);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK(error.phase() == Phase::prepare);
  CHECK(error.attempt() == 1);
  CHECK(error.sqlstate().empty());
  CHECK(error.name() == "usage");
  CHECK(std::string(error.what()) == "usage: two parameters are missing");
  CHECK_FALSE(error.in_doubt());
}

TEST_CASE("a server's error carries its fields, and PostgreSQL's name of its condition") {
  auto given = fields("23505", "duplicate key value violates unique constraint \"users_email\"");
  given.detail = "Key (email)=(a@b.c) already exists.";
  given.hint = "Choose another.";
  given.table = "users";
  given.constraint = "users_email";
  Error const error(given);
  CHECK(error.kind() == ErrorKind::server);
  CHECK(error.outcome() == Outcome::rejected);
  CHECK(error.phase() == Phase::wait);
  CHECK(error.name() == "unique_violation");
  CHECK(error.hint() == "Choose another.");
  CHECK(error.server().table == "users");
  CHECK(error.server().constraint == "users_email");
  CHECK_THAT(error.what(), test::contains("(SQLSTATE 23505)"));
}

TEST_CASE("a code nobody knows is named by its class, one of no class by its kind") {
  CHECK(Error(fields("23ZZZ", "odd")).name() == "integrity_constraint_violation");
  CHECK(Error(fields("QQ123", "odder")).name() == "server");
  CHECK(Error(fields("", "oddest")).name() == "server");
}

TEST_CASE("what is added to an error shows, and adding returns the error itself") {
  Error error(ErrorKind::connection, "gone");
  auto& same = error.at(Phase::wait, Outcome::unknown)
                   .on_node("replica-1")
                   .in_query("select 1")
                   .hint("look at the log")
                   .attempt(3);
  CHECK(&same == &error);
  CHECK(error.phase() == Phase::wait);
  CHECK(error.node() == "replica-1");
  CHECK(error.query() == "select 1");
  CHECK(error.hint() == "look at the log");
  CHECK(error.attempt() == 3);
  CHECK(std::string(error.what()) == "connection: gone [replica-1]");
}

TEST_CASE("as() changes kind and message and keeps everything else") {
  Error error(fields("57P01", "terminating connection", "FATAL"));
  error.on_node("primary").at(Phase::commit, Outcome::unknown);
  error.as(ErrorKind::commit_unknown, "nobody knows");
  CHECK(error.kind() == ErrorKind::commit_unknown);
  CHECK(error.name() == "commit_unknown");
  CHECK(error.message() == "nobody knows");
  CHECK(error.sqlstate() == "57P01");
  CHECK(error.node() == "primary");
  CHECK(error.phase() == Phase::commit);
  CHECK_THAT(error.what(), test::contains("nobody knows"));
}

TEST_CASE("copies do not change when one of them is added to") {
  static_assert(std::is_nothrow_copy_constructible_v<Error>);
  static_assert(std::is_nothrow_copy_assignable_v<Error>);
  Error const first(ErrorKind::timeout, "late");
  Error second = first;
  second.on_node("b").in_query("select 2").attempt(9).because({first});
  CHECK(first.node().empty());
  CHECK(first.query().empty());
  CHECK(first.attempt() == 1);
  CHECK(first.causes().empty());
  CHECK(second.causes().size() == 1);
}

// The keeper's last failure is copied to every caller that waits, each of which dresses its own.
TEST_CASE("copies of one error may be read and changed on different threads") {
  for (int round = 0; round < 200; ++round) {
    auto shared = std::make_unique<Error>(ErrorKind::connection, "refused");
    Error mine = *shared;
    std::string read;
    std::thread reader([&read, copy = *shared] { read = copy.what(); });
    shared.reset();
    mine.on_node("n");
    reader.join();
    REQUIRE(read == "connection: refused");
    REQUIRE(mine.node() == "n");
  }
}

TEST_CASE("an error may be used after it was moved from") {
  Error first(ErrorKind::script, "broken");
  Error const second = std::move(first);
  CHECK(std::string(second.what()) == "script: broken");
  CHECK(first.what() !=
        nullptr);  // NOLINT(bugprone-use-after-move): what() is asked for at odd moments
}

TEST_CASE("describe() points into the statement, gives the hint, and keeps user data out") {
  auto given = fields("42703", "column \"nmae\" does not exist");
  given.position = 8;
  given.hint = "Perhaps you meant \"name\".";
  given.detail = "secret@example.org";
  auto const text = Error(given).in_query("select nmae from users").describe();
  CHECK_THAT(text, test::contains("LINE 1: select nmae from users\n               ^"));
  CHECK_THAT(text, test::contains("\nHINT: Perhaps you meant"));
  CHECK(text.find("secret@example.org") == std::string::npos);
}

TEST_CASE("describe() falls back to the statement inside a function") {
  auto given = fields("42601", "syntax error");
  given.internal_query = "selec 1";
  given.internal_position = 1;
  CHECK_THAT(Error(given).describe(), test::contains("LINE 1: selec 1\n        ^"));
}

TEST_CASE("describe() lists the attempts before the last") {
  Error error(ErrorKind::retry_exhausted, "gave up");
  error.because({Error(ErrorKind::connection, "first"), Error(ErrorKind::timeout, "second")});
  auto const text = error.describe();
  CHECK_THAT(text, test::contains("\n  attempt 1: connection: first"));
  CHECK_THAT(text, test::contains("\n  attempt 2: timeout: second"));
}

TEST_CASE("describe() tells once what happened several times") {
  Error const refused(ErrorKind::connection, "refused"), late(ErrorKind::timeout, "late");
  Error error(ErrorKind::retry_exhausted, "gave up after 3 attempts; the last one: late");
  error.because({refused, refused, late});
  CHECK_THAT(
      error.describe(),
      test::contains("\n  attempts 1 to 2: connection: refused\n  attempt 3: timeout: late"));
  error.because({late, late, late});
  CHECK_THAT(error.describe(), !test::contains("\n  attempt"));
}

TEST_CASE("every kind, outcome and phase has a name of its own") {
  std::set<std::string_view> kinds;
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    kinds.insert(to_string(static_cast<ErrorKind>(i)));
  }
  CHECK(kinds.size() == static_cast<std::size_t>(ErrorKind::internal) + 1);
  CHECK(kinds.count("") == 0);
  CHECK(to_string(ErrorKind::internal) == "internal");
  CHECK(to_string(ErrorKind::self_deadlock) == "self_deadlock");
  CHECK(to_string(Outcome::committed_local) == "committed_local");
  CHECK(to_string(Outcome::not_sent) == "not_sent");
  CHECK(to_string(Phase::commit) == "commit");
  CHECK(to_string(Phase::prepare) == "prepare");
}

TEST_CASE("what was sent and not answered is never repeated, whatever the code") {
  for (auto const* code : {"", "40001", "57P01", "25006", "26000", "08006"}) {
    Error const error = Error(fields(code, "m")).at(Phase::wait, Outcome::unknown);
    INFO(code);
    CHECK_FALSE(error.retryable());
    CHECK(error.in_doubt());
  }
  CHECK_FALSE(of_kind(ErrorKind::connection, Phase::wait, Outcome::committed_local).retryable());
  CHECK_FALSE(of_kind(ErrorKind::connection, Phase::wait, Outcome::committed_local).in_doubt());
}

TEST_CASE("what the server rejected is repeated for R1 to R4 alone") {
  for (auto const& state : all_sqlstates()) {
    Error const error(fields(std::string(state.code), "m"));
    bool const good =
        state.retry == RetryClass::rerun || state.retry == RetryClass::node_transient ||
        state.retry == RetryClass::reroute || state.retry == RetryClass::statement_cache;
    INFO(state.code);
    CHECK(error.retryable() == good);
  }
}

TEST_CASE("08P01 is passing news from a pooler, and a bug when PostgreSQL itself says it") {
  auto said = fields("08P01", "server conn crashed?", "FATAL");
  CHECK(Error(said).at(Phase::wait, Outcome::rejected).retry_class() == RetryClass::never);
  said.routine.clear();
  auto const pooler = Error(said).at(Phase::wait, Outcome::rejected);
  CHECK(pooler.retry_class() == RetryClass::node_transient);
  CHECK(pooler.retryable());
  CHECK_FALSE(Error(pooler).at(Phase::wait, Outcome::unknown).retryable());
  CHECK(Error(said).at(Phase::connect, Outcome::not_sent).retry_class() == RetryClass::never);
}

TEST_CASE("what was not sent is repeated unless another try meets the same refusal") {
  auto unsent = [](ErrorKind kind, Phase phase) { return of_kind(kind, phase, Outcome::not_sent); };
  CHECK(unsent(ErrorKind::connection, Phase::connect).retryable());
  CHECK(unsent(ErrorKind::timeout, Phase::connect).retryable());
  CHECK(unsent(ErrorKind::timeout, Phase::acquire).retryable());
  CHECK(unsent(ErrorKind::pool_timeout, Phase::acquire).retryable());
  CHECK(unsent(ErrorKind::pool_overloaded, Phase::acquire).retryable());
  CHECK(unsent(ErrorKind::circuit_open, Phase::acquire).retryable());
  CHECK(unsent(ErrorKind::no_healthy_node, Phase::acquire).retryable());
  CHECK(unsent(ErrorKind::no_primary, Phase::acquire).retryable());
  for (auto kind :
       {ErrorKind::usage, ErrorKind::config, ErrorKind::environment, ErrorKind::cancelled,
        ErrorKind::self_deadlock, ErrorKind::retry_exhausted, ErrorKind::cluster_closed,
        ErrorKind::transaction, ErrorKind::script, ErrorKind::internal}) {
    INFO(to_string(kind));
    CHECK_FALSE(unsent(kind, Phase::acquire).retryable());
  }
}

TEST_CASE("a refused login is repeated only where the refusal can pass") {
  auto refused = [](std::string code) {
    Error error(fields(std::move(code), "no", "FATAL"));
    error.as(ErrorKind::connection, "cannot connect").at(Phase::connect, Outcome::not_sent);
    return error.retryable();
  };
  CHECK(refused("57P03"));
  CHECK(refused("53300"));
  CHECK(refused("57P01"));
  CHECK_FALSE(refused("28P01"));
  CHECK_FALSE(refused("28000"));
  CHECK_FALSE(refused("3D000"));
}

TEST_CASE("FATAL and PANIC poison the connection whatever the code, ERROR does not") {
  CHECK(Error(fields("40001", "m", "FATAL")).poisons_connection());
  CHECK(Error(fields("XX000", "m", "PANIC")).poisons_connection());
  for (auto const& state : all_sqlstates()) {
    INFO(state.code);
    CHECK_FALSE(Error(fields(std::string(state.code), "m")).poisons_connection());
  }
}

TEST_CASE("an interrupted conversation poisons the connection, a wait for one does not") {
  for (auto kind : {ErrorKind::connection, ErrorKind::timeout, ErrorKind::cancelled,
                    ErrorKind::protocol, ErrorKind::commit_unknown}) {
    INFO(to_string(kind));
    for (auto phase : {Phase::connect, Phase::send, Phase::wait, Phase::commit}) {
      CHECK(of_kind(kind, phase, Outcome::unknown).poisons_connection());
    }
    for (auto phase : {Phase::prepare, Phase::acquire}) {
      CHECK_FALSE(of_kind(kind, phase, Outcome::not_sent).poisons_connection());
    }
  }
  CHECK_FALSE(of_kind(ErrorKind::usage, Phase::prepare, Outcome::not_sent).poisons_connection());
  CHECK_FALSE(of_kind(ErrorKind::transaction, Phase::wait, Outcome::rejected).poisons_connection());
}

TEST_CASE("the breaker hears of the node's health and of nothing else") {
  std::set<std::string_view> const counted = {"57P01", "57P02", "57P03", "53300"};
  for (auto const& state : all_sqlstates()) {
    bool const of_node = counted.count(state.code) != 0 || state.code.starts_with("08") ||
                         state.code.starts_with("58") || state.code.starts_with("XX");
    INFO(state.code);
    CHECK(Error(fields(std::string(state.code), "m")).trips_breaker() == of_node);
  }
  CHECK(of_kind(ErrorKind::connection, Phase::connect, Outcome::not_sent).trips_breaker());
  CHECK(of_kind(ErrorKind::timeout, Phase::connect, Outcome::not_sent).trips_breaker());
  CHECK(of_kind(ErrorKind::timeout, Phase::wait, Outcome::unknown).trips_breaker());
  CHECK_FALSE(of_kind(ErrorKind::timeout, Phase::acquire, Outcome::not_sent).trips_breaker());
  for (auto kind : {ErrorKind::usage, ErrorKind::cancelled, ErrorKind::pool_timeout,
                    ErrorKind::pool_overloaded, ErrorKind::self_deadlock, ErrorKind::circuit_open,
                    ErrorKind::script, ErrorKind::transaction}) {
    INFO(to_string(kind));
    CHECK_FALSE(of_kind(kind, Phase::acquire, Outcome::not_sent).trips_breaker());
  }
}

}  // namespace
}  // namespace moonpool
