#include "observe/fingerprint.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/sql_scanner.hpp"

namespace moonpool::observe {
namespace {

constexpr std::size_t kShown = 1000;
constexpr std::size_t kKept = 1024;
constexpr std::size_t kLongestKept = 16384;

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char large(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

// The statement as a list of words.
std::vector<std::string> words_of(std::string_view sql) {
  std::vector<std::string> out;
  SqlScanner scanner(sql);
  for (auto token = scanner.next(); token.kind != TokenKind::end; token = scanner.next()) {
    switch (token.kind) {
      case TokenKind::space:
      case TokenKind::comment:
        break;
      case TokenKind::string:
      case TokenKind::number:
      case TokenKind::parameter:
      case TokenKind::name_parameter:
      case TokenKind::question:
        out.emplace_back("?");
        break;
      case TokenKind::word: {
        std::string word(token.text);
        std::ranges::transform(word, word.begin(), small);
        out.push_back(std::move(word));
        break;
      }
      default:
        out.emplace_back(token.text);
    }
  }
  while (!out.empty() && out.back() == ";") out.pop_back();
  return out;
}

bool ends_operand(std::string const& word) {
  if (word == "?" || word == ")" || word == "]") return true;
  char const last = word.back();
  static constexpr std::array<std::string_view, 16> kBefore = {
      "select", "where", "and",  "or",    "not",    "in", "values",  "set",
      "then",   "else",  "when", "limit", "offset", "by", "between", "returning"};
  if (std::ranges::find(kBefore, word) != kBefore.end()) return false;
  return last == '"' || last == '_' || (last >= 'a' && last <= 'z') ||
         (last >= '0' && last <= '9') || static_cast<unsigned char>(last) >= 0x80;
}

// -1 and 1 are the same statement.
std::vector<std::string> without_signs(std::vector<std::string> words) {
  std::vector<std::string> out;
  out.reserve(words.size());
  for (auto& word : words) {
    if (word == "?" && !out.empty() && (out.back() == "-" || out.back() == "+")) {
      bool const sign = out.size() < 2 || !ends_operand(out[out.size() - 2]);
      if (sign) out.pop_back();
    }
    out.push_back(std::move(word));
  }
  return out;
}

bool ends_with(std::vector<std::string> const& words,
               std::initializer_list<std::string_view> tail) {
  return words.size() >= tail.size() &&
         std::equal(tail.begin(), tail.end(),
                    words.end() - static_cast<std::ptrdiff_t>(tail.size()));
}

// ?, ?, ? is ?; and (?), (?) is (?).
std::vector<std::string> with_short_lists(std::vector<std::string> words) {
  std::vector<std::string> out;
  out.reserve(words.size());
  for (auto& word : words) {
    out.push_back(std::move(word));
    if (ends_with(out, {"?", ",", "?"})) out.resize(out.size() - 2);
    if (ends_with(out, {"(", "?", ")", ",", "(", "?", ")"})) out.resize(out.size() - 4);
  }
  return out;
}

std::string joined(std::vector<std::string> const& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto const& word = words[i];
    bool const tight = i == 0 || word == "," || word == ")" || word == "." || word == "]" ||
                       word == "::" || word == "[" || out.ends_with('(') || out.ends_with('.') ||
                       out.ends_with('[') || out.ends_with("::");
    if (!tight) out += ' ';
    out += word;
  }
  return out;
}

std::string id_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (char const c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; hash >>= 4) out[i] = kHex[hash & 15];
  return out;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// What the statement does: of WITH and EXPLAIN, that of the statement behind.
std::string operation_of(std::vector<std::string> const& words) {
  auto first = std::ranges::find_if(words, [](auto const& word) { return word != "("; });
  if (first == words.end()) return {};
  std::string found = *first;
  if (found == "with") {
    int depth = 0;
    for (auto word = first; word != words.end(); ++word) {
      depth += *word == "(" ? 1 : *word == ")" ? -1 : 0;
      if (depth == 0 &&
          is_one_of(*word, {"select", "insert", "update", "delete", "merge", "values"})) {
        found = *word;
        break;
      }
    }
  }
  std::ranges::transform(found, found.begin(), large);
  return found;
}

// A function that a SELECT calls may write all the same; that is not seen here.
bool may_write(std::vector<std::string> const& words, std::string const& operation) {
  if (is_one_of(operation, {"BEGIN",      "START",   "COMMIT",     "END",    "ROLLBACK", "ABORT",
                            "SAVEPOINT",  "RELEASE", "SHOW",       "SET",    "RESET",    "FETCH",
                            "MOVE",       "CLOSE",   "DECLARE",    "LISTEN", "UNLISTEN", "DISCARD",
                            "DEALLOCATE", "TABLE",   "CHECKPOINT", "LOAD",   ""})) {
    return false;
  }
  if (operation == "COPY") {
    int depth = 0;
    for (auto const& word : words) {
      depth += word == "(" ? 1 : word == ")" ? -1 : 0;
      if (depth == 0 && is_one_of(word, {"from", "to"})) return word == "from";
    }
    return true;
  }
  if (!is_one_of(operation, {"SELECT", "VALUES", "EXPLAIN", "WITH"})) return true;
  // A common table expression that writes, or SELECT … INTO.
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    bool const begins = words[i] == "(" || (operation == "EXPLAIN" && i < 8);
    if (begins && is_one_of(words[i + 1], {"insert", "update", "delete", "merge"})) return true;
    if (operation == "SELECT" && words[i] == "into") return true;
  }
  return false;
}

std::shared_ptr<Fingerprint const> make(std::string_view sql) {
  auto const words = with_short_lists(without_signs(words_of(sql)));
  auto made = std::make_shared<Fingerprint>();
  made->text = joined(words);
  made->id = id_of(made->text);
  made->operation = operation_of(words);
  made->writes = may_write(words, made->operation);
  if (made->text.size() > kShown) {
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(made->text[end]) & 0xc0) == 0x80) --end;
    made->text.resize(end);
    made->text += " …";
  }
  return made;
}

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

struct Kept {
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<Fingerprint const>, Hash, std::equal_to<>>
      by_text;  // guarded by mutex
};

Kept& kept() {
  static Kept one;
  return one;
}

}  // namespace

std::shared_ptr<Fingerprint const> fingerprint(std::string_view sql) {
  auto& all = kept();
  {
    std::lock_guard const lock(all.mutex);
    if (auto const found = all.by_text.find(sql); found != all.by_text.end()) return found->second;
  }
  auto made = make(sql);
  if (sql.size() > kLongestKept) return made;
  std::lock_guard const lock(all.mutex);
  // Texts that hold literals never come again: forgetting all of them now and then costs little.
  if (all.by_text.size() >= kKept) all.by_text.clear();
  all.by_text.emplace(sql, made);
  return made;
}

}  // namespace moonpool::observe
