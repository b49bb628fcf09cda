#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/server/servers.hpp"
#include "wire/connection.hpp"

namespace moonpool::wire {

using test::error_of;
using test::eventually;
using test::primary;
using test::sql;
using test::statement;
using test::Stopwatch;
using test::unique;
using test::wait;
using namespace std::chrono_literals;

using Connected = std::unique_ptr<Connection>;

inline Deadline soon() { return Deadline::in(20s); }

inline Connected open(Conninfo info, Connection::Options options = {}) {
  return wait(Connection::open(std::move(info), options, soon()));
}
inline Connected open(std::string const& more = "", Connection::Options options = {}) {
  return open(test::conninfo(primary(), more), options);
}

inline std::vector<Reply> run(Connection& connection, Request request, Deadline deadline = soon()) {
  return wait(connection.run(std::move(request), deadline));
}

// One statement, which must succeed.
inline Result one(Connection& connection, std::string text, std::vector<std::string> params = {}) {
  auto replies = run(connection, {statement(std::move(text), std::move(params))});
  if (auto const* error = std::get_if<Error>(&replies.front())) FAIL(error->describe());
  return std::get<Result>(std::move(replies.front()));
}

// The first field of what one statement gives; "NULL" for SQL NULL.
inline std::string value(Result const& result) {
  REQUIRE(result.rows() > 0);
  auto const field = result.value(0, 0);
  return field ? std::string(*field) : "NULL";
}
inline std::string value(Connection& connection, std::string text,
                         std::vector<std::string> params = {}) {
  return value(one(connection, std::move(text), std::move(params)));
}
inline std::string value(Reply const& reply) {
  if (auto const* error = std::get_if<Error>(&reply)) FAIL(error->describe());
  return value(std::get<Result>(reply));
}

// The error of a reply that must be one.
inline Error error_in(Reply const& reply) {
  auto const* error = std::get_if<Error>(&reply);
  if (error == nullptr) FAIL("the statement succeeded");
  return *error;
}

// Does the server run a statement that holds this text? A cancel that comes before it is lost.
inline bool active(std::string const& text) {
  return sql("select count(*) from pg_stat_activity where state = 'active' and query like '%" +
             text + "%' and pid <> pg_backend_pid()") != "0";
}
inline bool runs(std::string const& text) {
  return eventually([&] { return active(text); });
}
inline bool ended(std::string const& text) {
  return eventually([&] { return !active(text); });
}

// Statements that share one segment.
inline Request together(std::vector<std::string> const& texts) {
  Request request;
  for (auto const& text : texts) {
    request.push_back(statement(text));
    request.back().ends_segment = false;
  }
  request.back().ends_segment = true;
  return request;
}

// Statements that each are a segment of their own.
inline Request apart(std::vector<std::string> const& texts) {
  Request request;
  for (auto const& text : texts) request.push_back(statement(text));
  return request;
}

}  // namespace moonpool::wire
