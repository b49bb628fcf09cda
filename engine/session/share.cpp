#include "session/share.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "pool/carriage.hpp"

namespace moonpool::session {
namespace {

bool starts_with_word(std::string_view sql, std::string_view word) {
  if (sql.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if ((static_cast<unsigned char>(sql[i]) | 0x20U) != static_cast<unsigned char>(word[i])) {
      return false;
    }
  }
  if (sql.size() == word.size()) return true;
  auto const next = static_cast<unsigned char>(sql[word.size()]);
  return next <= 0x7f && (next | 0x20U) - 'a' > 25U && next != '_' && next != '$' &&
         (next < '0' || next > '9');
}

}  // namespace

std::optional<pool::Ticket> ticket_of(wire::Request const& statements, cluster::Route route,
                                      Habits const& habits) {
  static constexpr std::array<std::string_view, 7> kWords = {"select", "with",   "values", "insert",
                                                             "update", "delete", "merge"};
  bool const wanted = route == cluster::Route::read ? habits.share != Share::off
                                                    : habits.share == Share::all && !habits.pinned;
  if (!wanted || statements.size() != 1 || !habits.context.empty()) return std::nullopt;
  std::string_view sql = statements.front().sql;
  auto const start = sql.find_first_not_of(" \t\r\n(");
  if (start == std::string_view::npos) return std::nullopt;
  sql.remove_prefix(start);
  if (std::ranges::none_of(kWords, [&](auto word) { return starts_with_word(sql, word); })) {
    return std::nullopt;
  }
  return pool::Ticket{pool::Pace::key_of(statements.front().sql)};
}

}  // namespace moonpool::session
