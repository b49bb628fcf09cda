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

}  // namespace

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
