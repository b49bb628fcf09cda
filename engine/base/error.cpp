#include "base/error.hpp"

#include <array>
#include <utility>

#include "base/caret.hpp"

namespace moonpool {
namespace {

template <class Enum, std::size_t N>
std::string_view pick(std::array<std::string_view, N> const& names, Enum value) {
  return names[static_cast<std::size_t>(value)];
}

// A line for each run of attempts that ended alike; none where all did and `told` says how.
std::string attempts(std::vector<Error> const& causes, std::string_view told) {
  std::string text;
  for (std::size_t from = 0, to = 0; from < causes.size(); from = to) {
    std::string_view const line = causes[from].what();
    while (to < causes.size() && line == causes[to].what()) ++to;
    if (to - from == causes.size() && told.find(causes[from].message()) != told.npos) break;
    text.append(to - from == 1 ? "\n  attempt " : "\n  attempts ").append(std::to_string(from + 1));
    if (to - from > 1) text.append(" to ").append(std::to_string(to));
    text.append(": ").append(line);
  }
  return text;
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
  static constexpr std::array<std::string_view, 20> kNames = {
      "usage",           "config",       "environment",     "connection",     "timeout",
      "cancelled",       "pool_timeout", "pool_overloaded", "self_deadlock",  "circuit_open",
      "no_healthy_node", "no_primary",   "retry_exhausted", "cluster_closed", "commit_unknown",
      "transaction",     "protocol",     "server",          "script",         "internal"};
  return pick(kNames, kind);
}

std::string_view to_string(Outcome outcome) {
  static constexpr std::array<std::string_view, 4> kNames = {"not_sent", "rejected", "unknown",
                                                             "committed_local"};
  return pick(kNames, outcome);
}

std::string_view to_string(Phase phase) {
  static constexpr std::array<std::string_view, 6> kNames = {"prepare", "acquire", "connect",
                                                             "send",    "wait",    "commit"};
  return pick(kNames, phase);
}

struct Error::Content {
  ErrorKind kind = ErrorKind::internal;
  Outcome outcome = Outcome::not_sent;
  Phase phase = Phase::prepare;
  int attempt = 1;
  std::string message;
  std::string hint;
  std::string node;
  std::string query;
  ServerFields server;
  std::vector<Error> causes;
  std::string line;  // what(), kept because what() must not allocate

  std::string_view name() const {
    if (kind != ErrorKind::server) return to_string(kind);
    auto const* state = find_sqlstate(server.sqlstate);
    return state ? state->condition : to_string(kind);
  }

  void write_line() {
    line.assign(name()).append(": ").append(message);
    if (!server.sqlstate.empty()) line.append(" (SQLSTATE ").append(server.sqlstate).append(")");
    if (!node.empty()) line.append(" [").append(node).append("]");
  }
};

Error::Error(ErrorKind kind, std::string message) : content_(std::make_shared<Content>()) {
  content_->kind = kind;
  content_->message = std::move(message);
  content_->write_line();
}

Error::Error(ServerFields fields) : content_(std::make_shared<Content>()) {
  content_->kind = ErrorKind::server;
  content_->outcome = Outcome::rejected;
  content_->phase = Phase::wait;
  content_->message = fields.message;
  content_->hint = fields.hint;
  content_->server = std::move(fields);
  content_->write_line();
}

// Copies share their content, on other threads too; whoever adds to one of them must not change the
// others. The count of owners is no proof of being alone: it says nothing of what they have just read.
Error::Content& Error::edit() {
  content_ = std::make_shared<Content>(*content_);
  return *content_;
}

Error& Error::at(Phase phase, Outcome outcome) {
  auto& content = edit();
  content.phase = phase;
  content.outcome = outcome;
  return *this;
}

Error& Error::on_node(std::string node) {
  auto& content = edit();
  content.node = std::move(node);
  content.write_line();
  return *this;
}

Error& Error::in_query(std::string sql) {
  edit().query = std::move(sql);
  return *this;
}

Error& Error::hint(std::string text) {
  edit().hint = std::move(text);
  return *this;
}

Error& Error::attempt(int number) {
  edit().attempt = number;
  return *this;
}

Error& Error::because(std::vector<Error> causes) {
  edit().causes = std::move(causes);
  return *this;
}

Error& Error::as(ErrorKind kind, std::string message) {
  auto& content = edit();
  content.kind = kind;
  content.message = std::move(message);
  content.write_line();
  return *this;
}

ErrorKind Error::kind() const noexcept { return content_->kind; }
std::string_view Error::name() const noexcept { return content_->name(); }
Outcome Error::outcome() const noexcept { return content_->outcome; }
Phase Error::phase() const noexcept { return content_->phase; }
std::string const& Error::message() const noexcept { return content_->message; }
std::string const& Error::hint() const noexcept { return content_->hint; }
std::string const& Error::sqlstate() const noexcept { return content_->server.sqlstate; }
ServerFields const& Error::server() const noexcept { return content_->server; }
std::string const& Error::node() const noexcept { return content_->node; }
std::string const& Error::query() const noexcept { return content_->query; }
int Error::attempt() const noexcept { return content_->attempt; }
std::vector<Error> const& Error::causes() const noexcept { return content_->causes; }

RetryClass Error::retry_class() const noexcept {
  // "cached plan must not change result type" shares its code with everything unsupported.
  if (sqlstate() == "0A000" && server().routine == "RevalidateCachedQuery") {
    return RetryClass::statement_cache;
  }
  // What a pooler has to say, whatever it is, comes under this one code. PostgreSQL names its function with it.
  bool const from_pooler = sqlstate() == "08P01" && server().routine.empty();
  if (from_pooler && phase() != Phase::connect) return RetryClass::node_transient;
  return moonpool::retry_class(content_->server.sqlstate);
}

bool Error::retryable() const noexcept {
  switch (outcome()) {
    case Outcome::unknown:
    case Outcome::committed_local:
      return false;
    case Outcome::not_sent:
      switch (kind()) {
        case ErrorKind::connection:
          // The server said no before anything was sent: a wrong password stays wrong.
          return sqlstate().empty() || retry_class() == RetryClass::node_transient;
        case ErrorKind::timeout:
        case ErrorKind::pool_timeout:
        case ErrorKind::pool_overloaded:
        case ErrorKind::circuit_open:
        case ErrorKind::no_healthy_node:
        case ErrorKind::no_primary:
          return true;
        default:
          return false;
      }
    case Outcome::rejected:
      // A transaction that ended with its connection, or with its node's time as the primary.
      if (sqlstate().empty()) {
        return kind() == ErrorKind::connection || kind() == ErrorKind::no_primary;
      }
      switch (retry_class()) {
        case RetryClass::rerun:
        case RetryClass::node_transient:
        case RetryClass::reroute:
        case RetryClass::statement_cache:
          return true;
        default:
          return false;
      }
  }
  return false;
}

bool Error::poisons_connection() const noexcept {
  auto const& severity = content_->server.severity;
  if (severity == "FATAL" || severity == "PANIC") return true;
  switch (kind()) {
    case ErrorKind::connection:
    case ErrorKind::timeout:
    case ErrorKind::cancelled:
    case ErrorKind::protocol:
    case ErrorKind::commit_unknown:
      return phase() != Phase::prepare && phase() != Phase::acquire;
    default:
      return false;
  }
}

bool Error::in_doubt() const noexcept { return outcome() == Outcome::unknown; }

bool Error::trips_breaker() const noexcept {
  auto const code = std::string_view(sqlstate());
  if (!code.empty()) {
    return code.starts_with("08") || code == "57P01" || code == "57P02" || code == "57P03" ||
           code == "53300" || code.starts_with("58") || code.starts_with("XX");
  }
  switch (kind()) {
    case ErrorKind::connection:
    case ErrorKind::protocol:
    case ErrorKind::commit_unknown:
      return true;
    case ErrorKind::timeout:
      return phase() == Phase::connect || phase() == Phase::send || phase() == Phase::wait;
    default:
      return false;
  }
}

char const* Error::what() const noexcept { return content_->line.c_str(); }

std::string Error::describe() const {
  std::string text = content_->line;
  auto const& fields = content_->server;
  if (fields.position > 0 && !content_->query.empty()) {
    text += '\n' + caret_lines(content_->query, fields.position);
  } else if (fields.internal_position > 0 && !fields.internal_query.empty()) {
    text += '\n' + caret_lines(fields.internal_query, fields.internal_position);
  }
  if (!content_->hint.empty()) text.append("\nHINT: ").append(content_->hint);
  return text + attempts(content_->causes, content_->line);
}

}  // namespace moonpool
