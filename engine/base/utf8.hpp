#pragma once

#include <cstddef>
#include <string_view>

namespace moonpool {

// Bytes of `text` before the first one that PostgreSQL would refuse in UTF-8 text: NUL, a broken or
// overlong sequence, a surrogate, a code point past U+10FFFF. text.size() when all of it is fine.
std::size_t valid_text_prefix(std::string_view text);

inline bool is_valid_text(std::string_view text) { return valid_text_prefix(text) == text.size(); }

}  // namespace moonpool
