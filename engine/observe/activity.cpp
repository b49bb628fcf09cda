#include "observe/activity.hpp"

#include <array>

namespace moonpool::observe {

std::string_view to_string(Kind kind) {
  static constexpr std::array<std::string_view, kKinds> kNames = {
      "statement", "transaction", "acquire", "connect", "use",  "recover",
      "probe",     "retry",       "role",    "breaker", "audit"};
  if (kind == Kind::notice) return "notice";
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::begin:
      return "begin";
    case Stage::end:
      return "end";
    case Stage::point:
      break;
  }
  return "point";
}

std::string_view outcome_of(Activity const& activity) {
  return activity.error == nullptr ? "ok" : moonpool::to_string(activity.error->outcome());
}

}  // namespace moonpool::observe
