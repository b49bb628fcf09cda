#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/connection.hpp"

namespace moonpool::session {

// Settings laid on statements: a role, a tenant, whatever policies look at. Each statement (each transaction,
// each group that is all or none) runs under them in its own transaction, in the same round trip, and they
// are gone with that transaction whatever became of it.
class Context {
 public:
  // `name` is "role" or a setting's ("app.user_id", "statement_timeout"). Throws Error(usage) for what can be
  // neither. A name that was set already gets the new value.
  void set(std::string_view name, std::string value);

  // For reads where the session itself cannot be trusted to be read-only.
  void make_read_only() { set("transaction_read_only", "on"); }

  bool empty() const { return settings_.empty(); }
  // "role=app, app.user_id=7": who it is that statements run as.
  std::string const& summary() const { return summary_; }
  bool operator==(Context const&) const = default;

  // The statement that lays them on, with parameters; part of the segment of the one after it.
  wire::Statement statement() const;
  // The same as text, for where parameters cannot go.
  std::string text() const;

  // The request with the settings laid on each of its segments.
  wire::Request lay_on(wire::Request const& request) const;
  // The replies to that, as replies to `request`: what kept the settings from being laid on is the error of
  // the statement that was to run under them.
  static std::vector<wire::Reply> lay_off(std::vector<wire::Reply> replies,
                                          wire::Request const& request);

 private:
  std::vector<std::pair<std::string, std::string>> settings_;
  std::string summary_;
};

}  // namespace moonpool::session
