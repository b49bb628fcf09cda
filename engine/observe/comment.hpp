#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moonpool::observe {

// Pairs for a comment in a statement, as sqlcommenter has it.
using Marks = std::vector<std::pair<std::string, std::string>>;

// " /*key='value',…*/": keys in order, both percent-encoded, so that no value can end the comment or the quote.
// Pairs without a value are left out; "" when none is left.
std::string comment_of(Marks marks);
// May the statement bear one behind it? Not when it has a comment already, or ends inside of something.
bool may_bear_comment(std::string_view sql);

// Does the caller's trace say that this call is recorded? Only such a one is worth a statement of its own.
bool is_sampled(std::string_view traceparent);

}  // namespace moonpool::observe
