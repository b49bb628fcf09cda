#include "notices.hpp"

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "moonpool/moonpool.h"

namespace moonpool::repl {
namespace {

// Control characters, U+0080 to U+009F among them, but for tabs and line breaks.
std::string harmless(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    auto const next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    bool const wide = byte == 0xC2 && next >= 0x80 && next < 0xA0;
    bool const control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    out += wide || control ? '?' : text[i];
    if (wide) ++i;
  }
  return out;
}

std::string_view field(mp_event const& event, char const* key) {
  for (std::size_t i = 0; i < event.field_count; ++i) {
    if (std::strcmp(event.fields[i].key, key) == 0) return event.fields[i].value;
  }
  return {};
}

void show(mp_event const* event, void* /*data*/) {
  auto text = std::string(field(*event, "severity")) + ":  " + harmless(event->message) + "\n";
  auto const detail = field(*event, "detail");
  auto const hint = field(*event, "hint");
  if (!detail.empty()) text += "DETAIL:  " + harmless(detail) + "\n";
  if (!hint.empty()) text += "HINT:  " + harmless(hint) + "\n";
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

void show_notices() { mp_notices_to(&show, nullptr); }

}  // namespace moonpool::repl
