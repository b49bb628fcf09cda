#include "base/sql_scanner.hpp"

#include <rapidcheck.h>

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace moonpool {
namespace {

using enum TokenKind;

char const* name_of(TokenKind kind) {
  static constexpr char const* kNames[] = {
      "space",  "comment",   "word",     "quoted_name",     "string",
      "number", "parameter", "question", "double_question", "name_parameter",
      "cast",   "symbol",    "end"};
  return kNames[static_cast<std::size_t>(kind)];
}

// "word(select) number(1) !string('open)": spaces left out, `!` before what is not complete.
std::string scan(std::string_view sql) {
  SqlScanner scanner(sql);
  std::string out;
  for (auto token = scanner.next(); token.kind != end; token = scanner.next()) {
    if (token.kind == space) continue;
    if (!out.empty()) out += ' ';
    if (!token.complete) out += '!';
    out += std::string(name_of(token.kind)) + "(" + std::string(token.text) + ")";
  }
  return out;
}

struct Case {
  char const* sql;
  char const* tokens;
};

void check(std::vector<Case> const& cases) {
  for (auto const& [sql, tokens] : cases) {
    INFO(sql);
    CHECK(scan(sql) == tokens);
  }
}

TEST_CASE("words, numbers and symbols") {
  check({{"", ""},
         {"select a1", "word(select) word(a1)"},
         {"größe", "word(größe)"},
         {"_a$b$1", "word(_a$b$1)"},
         {"1 1.5 1e5", "number(1) number(1.5) number(1e5)"},
         {"a.b", "word(a) symbol(.) word(b)"},
         {"(a);", "symbol(() word(a) symbol()) symbol(;)"},
         {"a->>'b'", "word(a) symbol(-) symbol(>) symbol(>) string('b')"}});
}

TEST_CASE("plain strings double their quotes and leave backslashes alone") {
  check({{"'a'", "string('a')"},
         {"'it''s'", "string('it''s')"},
         {"''", "string('')"},
         {"''''", "string('''')"},
         {"'a\\' ?", "string('a\\') question(?)"},
         {"'?' :a", "string('?') name_parameter(:a)"},
         {"'a\n?'", "string('a\n?')"},
         {"'open", "!string('open)"},
         {"'open''", "!string('open'')"},
         {"'", "!string(')"}});
}

TEST_CASE("strings with a prefix") {
  check({{"E'a\\'?'", "string(E'a\\'?')"},
         {"e'\\\\' ?", "string(e'\\\\') question(?)"},
         {"E'it''s\\''", "string(E'it''s\\'')"},
         {"E'a\\", "!string(E'a\\)"},
         {"E'a\\'", "!string(E'a\\')"},
         {"B'01' x'1F' N'a'", "string(B'01') string(x'1F') string(N'a')"},
         {"b'\\' ?", "string(b'\\') question(?)"},
         {"U&'d\\0061t\\' ?", "string(U&'d\\0061t\\') question(?)"},
         {"u&\"d\\0061\" ?", "quoted_name(u&\"d\\0061\") question(?)"},
         {"e ''", "word(e) string('')"},
         {"re'a\\'", "word(re) string('a\\')"},
         {"U& 'a'", "word(U) symbol(&) string('a')"},
         {"_e'a\\'", "word(_e) string('a\\')"}});
}

TEST_CASE("an E string goes on after a line end, and keeps its backslashes") {
  check({{"E'a'\n'b\\'?'", "string(E'a'\n'b\\'?')"},
         {"E'a' \t\r\n 'b\\'?'", "string(E'a' \t\r\n 'b\\'?')"},
         {"E'a' -- it's\n'b\\'?'", "string(E'a' -- it's\n'b\\'?')"},
         {"E'a'\n-- it's\n'b\\'?'", "string(E'a'\n-- it's\n'b\\'?')"},
         {"E'a'\n-- one\n-- two\n\n'b\\'?'", "string(E'a'\n-- one\n-- two\n\n'b\\'?')"},
         {"E'a' 'b\\'", "string(E'a') string('b\\')"},
         {"E'a' /* x */\n'b\\'", "string(E'a') comment(/* x */) string('b\\')"},
         {"E'a'\n/* x */ 'b\\'", "string(E'a') comment(/* x */) string('b\\')"},
         {"E'a'\n+ ?", "string(E'a') symbol(+) question(?)"},
         {"E'a' -- end", "string(E'a') comment(-- end)"},
         {"E'a'\n-- end\n", "string(E'a') comment(-- end)"},
         {"'a'\n'b\\' ?", "string('a') string('b\\') question(?)"}});
}

TEST_CASE("quoted names") {
  check({{"\"a\"\"b\" ?", "quoted_name(\"a\"\"b\") question(?)"},
         {"\"a?:b\"", "quoted_name(\"a?:b\")"},
         {"\"a'\" 'b'", "quoted_name(\"a'\") string('b')"},
         {"\"a\\\" ?", "quoted_name(\"a\\\") question(?)"},
         {"\"open", "!quoted_name(\"open)"}});
}

TEST_CASE("dollar quotes") {
  check({{"$$?$$", "string($$?$$)"},
         {"$a$ $$ ? $b$ $a$ ?", "string($a$ $$ ? $b$ $a$) question(?)"},
         {"$ü1$x$ü1$", "string($ü1$x$ü1$)"},
         {"$A$ $a$ $A$", "string($A$ $a$ $A$)"},
         {"$a$x$b$a$", "string($a$x$b$a$)"},
         {"$$open", "!string($$open)"},
         {"$a$ $a", "!string($a$ $a)"},
         {"$1", "parameter($1)"},
         {"$12+$3", "parameter($12) symbol(+) parameter($3)"},
         {"a$b$ ? $b$", "word(a$b$) question(?) !string($b$)"},
         {"$1$ ? $1$", "parameter($1) symbol($) question(?) parameter($1) symbol($)"},
         {"$", "symbol($)"},
         {"$a", "symbol($) word(a)"},
         {"$a b$", "symbol($) word(a) word(b$)"}});
}

TEST_CASE("comments") {
  check({{"-- ? :a 'x\n?", "comment(-- ? :a 'x) question(?)"},
         {"-- a\r?", "comment(-- a) question(?)"},
         {"--", "comment(--)"},
         {"/* ? */ ?", "comment(/* ? */) question(?)"},
         {"/* a /* b */ ? */ ?", "comment(/* a /* b */ ? */) question(?)"},
         {"/*/ ? */ ?", "comment(/*/ ? */) question(?)"},
         {"/**/?", "comment(/**/) question(?)"},
         {"/* a /* b */ ?", "!comment(/* a /* b */ ?)"},
         {"/*", "!comment(/*)"},
         {"/* -- */ ?", "comment(/* -- */) question(?)"},
         {"-- /*\n?", "comment(-- /*) question(?)"},
         {"a - - b", "word(a) symbol(-) symbol(-) word(b)"},
         {"- --x\n1", "symbol(-) comment(--x) number(1)"},
         {"a*/b", "word(a) symbol(*) symbol(/) word(b)"}});
}

TEST_CASE("question marks") {
  check({{"a ? b", "word(a) question(?) word(b)"},
         {"a ?? 'k'", "word(a) double_question(?\?) string('k')"},
         {"a ??| b", "word(a) double_question(?\?) symbol(|) word(b)"},
         {"a @?? b", "word(a) symbol(@) double_question(?\?) word(b)"},
         {"???", "double_question(?\?) question(?)"},
         {"????", "double_question(?\?) double_question(?\?)"},
         {"?,?", "question(?) symbol(,) question(?)"}});
}

TEST_CASE("colons") {
  check({{":a", "name_parameter(:a)"},
         {":größe_1", "name_parameter(:größe_1)"},
         {":a:b", "name_parameter(:a) name_parameter(:b)"},
         {"x::int", "word(x) cast(::) word(int)"},
         {":x::int", "name_parameter(:x) cast(::) word(int)"},
         {"x:::y", "word(x) cast(::) name_parameter(:y)"},
         {"a := 1", "word(a) symbol(:) symbol(=) number(1)"},
         {"a => :b", "word(a) symbol(=) symbol(>) name_parameter(:b)"},
         {":1", "symbol(:) number(1)"},
         {": a", "symbol(:) word(a)"},
         {":", "symbol(:)"},
         {":a$b", "name_parameter(:a) symbol($) word(b)"}});
}

TEST_CASE("the colon of an array slice is no parameter") {
  check(
      {{"a[1:2]", "word(a) symbol([) number(1) symbol(:) number(2) symbol(])"},
       {"a[l:u]", "word(a) symbol([) word(l) symbol(:) word(u) symbol(])"},
       {"a[l :u]", "word(a) symbol([) word(l) symbol(:) word(u) symbol(])"},
       {"a[f(x):u]",
        "word(a) symbol([) word(f) symbol(() word(x) symbol()) symbol(:) word(u) symbol(])"},
       {"a[\"l\":u]", "word(a) symbol([) quoted_name(\"l\") symbol(:) word(u) symbol(])"},
       {"a[:l: :u]", "word(a) symbol([) name_parameter(:l) symbol(:) name_parameter(:u) symbol(])"},
       {"a[:i]", "word(a) symbol([) name_parameter(:i) symbol(])"},
       {"a[$1:u]", "word(a) symbol([) parameter($1) symbol(:) word(u) symbol(])"},
       {"a[b[1]:u]",
        "word(a) symbol([) word(b) symbol([) number(1) symbol(]) symbol(:) word(u) symbol(])"},
       {"array[:a, :b]",
        "word(array) symbol([) name_parameter(:a) symbol(,) name_parameter(:b) symbol(])"},
       {"a[1 + :i]", "word(a) symbol([) number(1) symbol(+) name_parameter(:i) symbol(])"},
       {"a[x::int:u]", "word(a) symbol([) word(x) cast(::) word(int) symbol(:) word(u) symbol(])"},
       {"] :a", "symbol(]) name_parameter(:a)"}});
}

TEST_CASE("inside brackets a colon after a keyword, or inside parentheses, is a parameter") {
  check(
      {{"array[case when :a then :b else :c end]",
        "word(array) symbol([) word(case) word(when) name_parameter(:a) word(then) "
        "name_parameter(:b) "
        "word(else) name_parameter(:c) word(end) symbol(])"},
       {"array[a and :b]", "word(array) symbol([) word(a) word(and) name_parameter(:b) symbol(])"},
       {"array[NOT :b]", "word(array) symbol([) word(NOT) name_parameter(:b) symbol(])"},
       {"x[(select y limit :n)]",
        "word(x) symbol([) symbol(() word(select) word(y) word(limit) name_parameter(:n) symbol()) "
        "symbol(])"},
       {"x[f(y :n)]",
        "word(x) symbol([) word(f) symbol(() word(y) name_parameter(:n) symbol()) symbol(])"},
       {"x[(1):u]", "word(x) symbol([) symbol(() number(1) symbol()) symbol(:) word(u) symbol(])"},
       {"x[f(b[l:u])]",
        "word(x) symbol([) word(f) symbol(() word(b) symbol([) word(l) symbol(:) word(u) symbol(]) "
        "symbol()) symbol(])"},
       {"x[case when a then b end:u]",
        "word(x) symbol([) word(case) word(when) word(a) word(then) word(b) word(end) symbol(:) "
        "word(u) symbol(])"}});
}

void check_tokens_cover(std::string const& sql) {
  SqlScanner scanner(sql);
  std::string all;
  for (auto token = scanner.next(); token.kind != end; token = scanner.next()) {
    RC_ASSERT_FALSE(token.text.empty());
    RC_ASSERT(token.text.data() == sql.data() + all.size());
    // Only what stands last can be open.
    RC_ASSERT((token.complete || all.size() + token.text.size() == sql.size()));
    all += token.text;
  }
  RC_ASSERT(all == sql);
  RC_ASSERT(scanner.next().kind == end);
  RC_ASSERT(scanner.next().text.empty());
}

TEST_CASE("tokens one after the other are the text, for any bytes") {
  CHECK(rc::check("random bytes", [] {
    check_tokens_cover(*rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
  }));
  CHECK(rc::check("random pieces of SQL", [] {
    auto const piece = rc::gen::element<std::string>(
        "'", "''", "\"", "\\", "E'", "U&'", "$$", "$a$", "$1", "--", "/*", "*/", "\n", " ", "?",
        "??", ":a", "::", ":", "[", "]", "(", ")", "x", "1", "1.", ";", "begin", "\xC3\xA4",
        std::string(1, '\0'));
    std::string sql;
    for (auto const& text : *rc::gen::container<std::vector<std::string>>(piece)) sql += text;
    check_tokens_cover(sql);
  }));
}

}  // namespace
}  // namespace moonpool
