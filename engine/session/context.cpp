#include "session/context.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace moonpool::session {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// "role", "work_mem", "app.user_id": words with dots between them.
bool can_name_a_setting(std::string_view name) {
  bool start = true;
  for (char const c : name) {
    bool const inside = !start && ((c >= '0' && c <= '9') || c == '$');
    if (c == '.' && !start) {
      start = true;
    } else if (is_letter(c) || inside) {
      start = false;
    } else {
      return false;
    }
  }
  return !start && name.size() < 64;
}

// Right whatever standard_conforming_strings says.
std::string literal(std::string_view text) {
  std::string out = " E'";
  for (char const c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

}  // namespace

void Context::set(std::string_view name, std::string value) {
  if (!can_name_a_setting(name)) {
    throw Error(ErrorKind::usage, "'" + std::string(name) + "' cannot name a setting")
        .hint("a context takes role and settings such as app.user_id");
  }
  auto const known =
      std::ranges::find(settings_, name, &std::pair<std::string, std::string>::first);
  if (known != settings_.end()) {
    known->second = std::move(value);
  } else {
    settings_.emplace_back(name, std::move(value));
  }
  summary_.clear();
  for (auto const& [known_name, known_value] : settings_) {
    summary_.append(summary_.empty() ? "" : ", ")
        .append(known_name)
        .append("=")
        .append(known_value);
  }
}

// set_config with is_local, because SET LOCAL takes no parameters and wants an explicit BEGIN.
wire::Statement Context::statement() const {
  wire::Statement statement;
  statement.sql = "SELECT ";
  for (auto const& [name, value] : settings_) {
    auto const at = statement.params.size();
    statement.sql.append(at == 0 ? "" : ", ").append("pg_catalog.set_config($");
    statement.sql.append(std::to_string(at + 1)).append(", $").append(std::to_string(at + 2));
    statement.sql.append(", true)");
    for (auto const* text : {&name, &value}) {
      wire::Param param;
      param.text = *text;
      statement.params.push_back(std::move(param));
    }
  }
  statement.ends_segment = false;
  return statement;
}

std::string Context::text() const {
  std::string out = "SELECT";
  for (auto const& [name, value] : settings_) {
    out.append(out.size() > 6 ? "," : "").append(" pg_catalog.set_config(");
    out.append(literal(name)).append(",").append(literal(value)).append(", true)");
  }
  return out;
}

wire::Request Context::lay_on(wire::Request const& request) const {
  wire::Request laid;
  laid.reserve(request.size() * 2);
  bool first = true;
  for (auto const& statement : request) {
    if (first) laid.push_back(this->statement());
    laid.push_back(statement);
    first = statement.ends_segment;
  }
  return laid;
}

std::vector<wire::Reply> Context::lay_off(std::vector<wire::Reply> replies,
                                          wire::Request const& request) {
  std::vector<wire::Reply> own;
  own.reserve(request.size());
  std::size_t at = 0;
  bool first = true;
  for (auto const& statement : request) {
    bool const failed = first && std::holds_alternative<Error>(replies[at]);
    if (failed) {
      auto error = std::get<Error>(std::move(replies[at]));
      own.emplace_back(error.in_query(statement.sql));
    }
    if (first) ++at;
    if (!failed) own.push_back(std::move(replies[at]));
    ++at;
    first = statement.ends_segment;
  }
  return own;
}

}  // namespace moonpool::session
