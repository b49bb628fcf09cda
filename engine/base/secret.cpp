#include "base/secret.hpp"

#include <algorithm>
#include <cctype>

namespace moonpool {
namespace {

std::string percent_encoded(std::string_view text, char const* digits, bool everything) {
  std::string out;
  for (char c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (!everything && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~')) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string escaped(std::string_view text, std::string_view special, bool doubled) {
  std::string out;
  for (char c : text) {
    if (special.find(c) != std::string_view::npos) out += doubled ? c : '\\';
    out += c;
  }
  return out;
}

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

// Where the password of a URL's user ends: at the last @ before a space, since who writes by hand encodes nothing.
std::size_t end_of_user(std::string_view text, std::size_t from) {
  auto const end = std::min(text.find_first_of(" \t\n", from), text.size());
  auto const at = text.substr(0, end).rfind('@');
  return at == std::string_view::npos || at < from ? std::string_view::npos : at;
}

// Behind `pas… =`: a quoted value, or one up to the next space or &.
std::size_t end_of_value(std::string_view text, std::size_t from) {
  if (from < text.size() && text[from] == '\'') {
    for (auto at = from + 1; at < text.size(); ++at) {
      if (text[at] == '\\') {
        ++at;
      } else if (text[at] == '\'') {
        return at + 1;
      }
    }
    return text.size();
  }
  return std::min(text.find_first_of(" \t\n&", from), text.size());
}

// The length of a key of the kind, its = and the spaces around it; 0: there is none here.
std::size_t password_key(std::string_view text) {
  constexpr std::string_view kBegin = "pas";
  std::size_t at = 0;
  for (; at < kBegin.size(); ++at) {
    if (at >= text.size() || std::tolower(static_cast<unsigned char>(text[at])) != kBegin[at])
      return 0;
  }
  while (at < text.size() && (is_letter(text[at]) || text[at] == '_')) ++at;
  while (at < text.size() && text[at] == ' ') ++at;
  if (at >= text.size() || text[at] != '=') return 0;
  ++at;
  while (at < text.size() && text[at] == ' ') ++at;
  return at;
}

}  // namespace

std::string without_passwords(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("://")) {
      auto const user = at + 3;
      auto const end = end_of_user(text, user);
      auto const colon = text.find(':', user);
      if (end != std::string_view::npos && colon < end) {
        out.append(text.substr(at, colon + 1 - at)).append("***");
        at = end;
        continue;
      }
    }
    bool const begins =
        at == 0 || !is_letter(text[at - 1]) || (at >= 2 && text.substr(at - 2, 2) == "PG");
    auto const key = begins ? password_key(text.substr(at)) : 0;
    if (key != 0) {
      out.append(text.substr(at, key)).append("***");
      at = end_of_value(text, at + key);
      continue;
    }
    out += text[at++];
  }
  return out;
}

void Redactor::add(std::string_view secret) {
  if (secret.empty()) return;
  static constexpr char kUpper[] = "0123456789ABCDEF";
  static constexpr char kLower[] = "0123456789abcdef";
  std::string const plain(secret);
  for (auto form :
       {plain, percent_encoded(plain, kUpper, false), percent_encoded(plain, kUpper, true),
        percent_encoded(plain, kLower, false), percent_encoded(plain, kLower, true),
        escaped(plain, "'\\", false), escaped(plain, "'", true)}) {
    if (std::ranges::find(forms_, form) == forms_.end()) forms_.push_back(std::move(form));
  }
  // Longer forms first: a short secret must not leave the rest of a longer one standing.
  std::ranges::stable_sort(forms_, std::ranges::greater{}, &std::string::size);
}

std::string Redactor::clean(std::string text) const {
  for (auto const& form : forms_) {
    for (std::size_t at = 0; (at = text.find(form, at)) != std::string::npos; at += 3) {
      text.replace(at, form.size(), "***");
    }
  }
  return text;
}

}  // namespace moonpool
