#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moonpool {

// Text that must not be shown: there is no operator<<, no conversion, and str() prints three stars.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  // The value itself. Whoever calls this owes that it goes to the server and nowhere else.
  std::string const& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  std::string_view str() const { return "***"; }

 private:
  std::string value_;
};

// Replaces known secrets in text that comes from elsewhere (libpq's messages) by three stars: as they
// are, percent-encoded, and with quotes and backslashes doubled or escaped. The last net, not the first.
class Redactor {
 public:
  void add(std::string_view secret);
  std::string clean(std::string text) const;

 private:
  std::vector<std::string> forms_;
};

// Text that a user typed in the wrong place, for a message that quotes it: what looks like the password of a URL
// (://user:…@), or stands behind a word that begins with pas… and =, becomes three stars.
std::string without_passwords(std::string_view text);

}  // namespace moonpool
