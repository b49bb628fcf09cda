#pragma once

#include <span>
#include <string>
#include <string_view>

namespace moonpool {

// The known name that `given` was probably meant to be, or an empty view when none is near: at most
// one edit in three characters of the longer one, counting a swap of neighbours as one edit; case does
// not count. Of several equally near the first.
std::string_view nearest_name(std::string_view given, std::span<std::string_view const> known);

// " (did you mean 'x'?)", or nothing.
std::string did_you_mean(std::string_view given, std::span<std::string_view const> known);

}  // namespace moonpool
