#include "wire/replies.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace moonpool::wire {
namespace {

// One letter a statement; a space ends a segment: "ab c".
Request request(std::string_view shape) {
  Request out;
  for (char letter : shape) {
    if (letter == ' ') {
      out.back().ends_segment = true;
      continue;
    }
    Statement statement;
    statement.sql = std::string(1, letter);
    statement.ends_segment = false;
    out.push_back(statement);
  }
  out.back().ends_segment = true;
  return out;
}

Error server_error(std::string sqlstate, std::string severity = "ERROR") {
  ServerFields fields;
  fields.sqlstate = std::move(sqlstate);
  fields.severity = std::move(severity);
  fields.message = "m";
  return Error(fields);
}

Error lost() { return Error(ErrorKind::connection, "lost").at(Phase::wait, Outcome::unknown); }

// "ok", or kind/outcome of each.
std::vector<std::string> told(Replies& replies) {
  std::vector<std::string> out;
  for (auto const& reply : replies.take()) {
    auto const* error = std::get_if<Error>(&reply);
    out.push_back(error == nullptr ? "ok"
                                   : std::string(to_string(error->kind())) + "/" +
                                         std::string(to_string(error->outcome())));
  }
  return out;
}

using Told = std::vector<std::string>;

TEST_CASE("answers stand where their statements stand") {
  auto const asked = request("a b");
  Replies replies(asked);
  replies.result(0, Result());
  replies.settle();
  replies.error(1, server_error("23505"));
  replies.settle();
  CHECK(told(replies) == Told{"ok", "server/rejected"});
}

TEST_CASE("errors know the statement they speak of") {
  auto const asked = request("ab");
  Replies replies(asked);
  replies.result(0, Result());
  replies.error(1, server_error("23505"));
  replies.settle();
  auto const all = replies.take();
  CHECK(std::get<Error>(all[1]).query() == "b");
}

TEST_CASE("an error behind a segment's answers is the failing of its commit") {
  auto const asked = request("a bc d");
  Replies replies(asked);
  replies.result(0, Result());
  replies.settle();
  replies.result(1, Result());
  replies.result(2, Result());
  replies.error(Replies::kSegment, server_error("23503"));
  replies.settle();
  replies.result(3, Result());
  replies.settle();
  CHECK(told(replies) == Told{"ok", "server/rejected", "server/rejected", "ok"});
}

TEST_CASE("what follows an error in its segment was not run") {
  auto const asked = request("abc d");
  Replies replies(asked);
  replies.result(0, Result());
  replies.error(1, server_error("22012"));
  replies.skipped(2);
  replies.settle();
  replies.result(3, Result());
  replies.settle();
  CHECK(told(replies) == Told{"ok", "server/rejected", "transaction/rejected", "ok"});
}

TEST_CASE("a loss leaves what was settled, and puts the rest in doubt") {
  auto const asked = request("a bc d");
  Replies replies(asked);
  replies.result(0, Result());
  replies.settle();
  replies.result(1, Result());
  replies.lose_rest(lost());
  CHECK(told(replies) ==
        Told{"ok", "connection/unknown", "connection/unknown", "connection/unknown"});
}

TEST_CASE("a segment whose error was read cannot commit any more, whatever is lost behind it") {
  auto const asked = request("abc d");
  Replies replies(asked);
  replies.result(0, Result());
  replies.error(1, server_error("22012"));
  replies.lose_rest(lost());
  CHECK(told(replies) == Told{"transaction/rejected", "server/rejected", "transaction/rejected",
                              "connection/unknown"});
}

TEST_CASE("the server's last words do not tell of a commit") {
  auto const asked = request("a");
  Replies replies(asked);
  replies.error(0, server_error("57P01", "FATAL"));
  replies.lose_rest(lost());
  CHECK(told(replies) == Told{"server/unknown"});
}

TEST_CASE("the first error of a statement is kept, the last result counts") {
  auto const asked = request("a b");
  Replies replies(asked);
  replies.error(0, server_error("42601"));
  replies.error(0, server_error("26000"));
  replies.result(0, Result());
  replies.settle();
  replies.result(1, Result());
  replies.result(1, Result());
  replies.settle();
  auto const all = replies.take();
  CHECK(std::get<Error>(all[0]).sqlstate() == "42601");
  CHECK(std::holds_alternative<Result>(all[1]));
}

TEST_CASE("a statement without an answer is in doubt") {
  auto const asked = request("a b");
  Replies replies(asked);
  replies.result(0, Result());
  replies.settle();
  replies.settle();
  CHECK(told(replies) == Told{"ok", "protocol/unknown"});
}

}  // namespace
}  // namespace moonpool::wire
