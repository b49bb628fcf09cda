#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"

namespace moonpool::wire {

// Where and how to connect, read by libpq from a URI or `keyword=value` text. Passwords inside are
// secrets: nothing this class gives but reveal() holds them.
class Conninfo {
 public:
  // Everything from libpq's environment (PGHOST, PGSERVICE, …).
  Conninfo() = default;

  // Throws Error(config) for text that libpq cannot read. The message quotes nothing of it, because a
  // string that cannot be read may hold a password anywhere.
  static Conninfo parse(std::string const& text);

  // The value that would be used: set here, else libpq's environment and defaults. "" for secrets.
  std::string get(std::string_view keyword) const;
  // Set here, not by the environment.
  bool has(std::string_view keyword) const;

  Conninfo& set(std::string_view keyword, std::string value);
  // `set`, unless the keyword has a value here.
  Conninfo& set_default(std::string_view keyword, std::string value);

  // One Conninfo for each host of a multi-host string; hostaddr and port are cut up alongside.
  std::vector<Conninfo> each_host() const;

  // "user@host:port/database" with defaults filled in: for logs, prompts and error messages.
  std::string display() const;
  // "host:port", or the socket's path: the name of a node that was given none.
  std::string address() const;

  // keyword='value' text with the secrets in it, for libpq and nobody else.
  Secret reveal() const;
  // Knows every secret in here.
  Redactor redactor() const;

 private:
  struct Setting {
    std::string keyword;
    std::string value;
    bool secret = false;
  };
  Setting const* find(std::string_view keyword) const;
  std::vector<Setting> settings_;
};

}  // namespace moonpool::wire
