#include "base/sqlstate.hpp"

#include <algorithm>
#include <string>

namespace moonpool {
namespace {

constexpr SqlState kTable[] = {
#define MOONPOOL_SQLSTATE(code, condition, retry) {code, #condition, RetryClass::retry},
#include "base/sqlstate.def"
#undef MOONPOOL_SQLSTATE
};

SqlState const* find_exact(std::string_view code) {
  auto const* found = std::ranges::lower_bound(kTable, code, {}, &SqlState::code);
  return found != std::end(kTable) && found->code == code ? found : nullptr;
}

}  // namespace

std::span<SqlState const> all_sqlstates() { return kTable; }

SqlState const* find_sqlstate(std::string_view code) {
  if (code.size() != 5) return nullptr;
  if (auto const* exact = find_exact(code)) return exact;
  return find_exact(std::string(code.substr(0, 2)) + "000");
}

RetryClass retry_class(std::string_view code) {
  auto const* exact = find_exact(code);
  return exact ? exact->retry : RetryClass::never;
}

}  // namespace moonpool
