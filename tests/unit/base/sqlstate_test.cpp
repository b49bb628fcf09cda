#include "base/sqlstate.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace moonpool {
namespace {

// Every code of PostgreSQL 15, 16, 17 and 18: a class, then the last three characters of its codes.
constexpr char const* kCodes = R"(
00 000
01 000 003 004 006 007 008 00C P01
02 000 001
03 000
08 000 001 003 004 006 007 P01
09 000
0A 000
0B 000
0F 000 001
0L 000 P01
0P 000
0Z 000 002
10 608
20 000
21 000
22 000 001 002 003 004 005 007 008 009 00B 00C 00D 00F 00G 00H 00L 00M 00N 00S 00T 010 011 012 013
22 014 015 016 018 019 01B 01E 01F 01G 01W 01X 021 022 023 024 025 026 027 02E 02G 02H 030 031 032
22 033 034 035 036 037 038 039 03A 03B 03C 03D 03E 03F 03G P01 P02 P03 P04 P05 P06
23 000 001 502 503 505 514 P01
24 000
25 000 001 002 003 004 005 006 007 008 P01 P02 P03 P04
26 000
27 000
28 000 P01
2B 000 P01
2D 000
2F 000 002 003 004 005
34 000
38 000 001 002 003 004
39 000 001 004 P01 P02 P03
3B 000 001
3D 000
3F 000
40 000 001 002 003 P01
42 000 501 601 602 611 622 701 702 703 704 710 712 723 725 803 804 809 830 846 883 8C9 939 P01 P02
42 P03 P04 P05 P06 P07 P08 P09 P10 P11 P12 P13 P14 P15 P16 P17 P18 P19 P20 P21 P22
44 000
53 000 100 200 300 400
54 000 001 011 023
55 000 006 P02 P03 P04
57 000 014 P01 P02 P03 P04 P05
58 000 030 P01 P02 P03
72 000
F0 000 001
HV 000 001 002 004 005 006 007 008 009 00A 00B 00C 00D 00J 00K 00L 00M 00N 00P 00Q 00R 010 014 021
HV 024 090 091
P0 000 001 002 003 004
XX 000 001 002
)";

std::set<std::string> every_code() {
  std::set<std::string> codes;
  std::istringstream lines(kCodes);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string head;
    words >> head;
    for (std::string tail; words >> tail;) codes.insert(head + tail);
  }
  return codes;
}

// The lists that decide about repeating; every code that is in none of them is `never`.
std::map<std::string, RetryClass> classes() {
  std::map<std::string, RetryClass> out;
  auto put = [&](RetryClass retry, std::vector<std::string> const& codes) {
    for (auto const& code : codes) out[code] = retry;
  };
  put(RetryClass::rerun, {"40001", "40P01"});
  put(RetryClass::node_transient, {"57P01", "57P02", "57P03", "57P05", "08000", "08001", "08003",
                                   "08004", "08006", "53300", "25P03", "25P04"});
  put(RetryClass::reroute, {"25006"});
  put(RetryClass::statement_cache, {"26000", "42P05"});
  put(RetryClass::back_off, {"53000", "53100", "53200", "53400", "58000", "58030", "57014"});
  put(RetryClass::unknown_outcome, {"08007", "40003"});
  return out;
}

TEST_CASE("the table holds every code of PostgreSQL once, sorted, and none besides") {
  auto const known = every_code();
  std::vector<std::string> listed;
  for (auto const& state : all_sqlstates()) listed.emplace_back(state.code);
  CHECK(std::ranges::is_sorted(listed));
  CHECK(std::ranges::adjacent_find(listed) == listed.end());
  CHECK(listed == std::vector<std::string>(known.begin(), known.end()));
}

TEST_CASE("every code has the class that the retry rules give it") {
  auto const given = classes();
  for (auto const& code : every_code()) {
    auto const found = given.find(code);
    INFO(code);
    CHECK(retry_class(code) == (found == given.end() ? RetryClass::never : found->second));
  }
}

TEST_CASE("conditions are plain words") {
  for (auto const& state : all_sqlstates()) {
    INFO(state.code);
    CHECK_FALSE(state.condition.empty());
    CHECK(state.condition.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") ==
          std::string_view::npos);
  }
}

TEST_CASE("a code is found by itself, or else by its class") {
  CHECK(find_sqlstate("23505")->condition == "unique_violation");
  CHECK(find_sqlstate("235ZZ")->code == "23000");
  CHECK(find_sqlstate("40ABC")->code == "40000");
  CHECK(find_sqlstate("ZZ123") == nullptr);
}

TEST_CASE("what is no code is not found") {
  for (auto const* text : {"", "2350", "235055", "23", "unique_violation"}) {
    INFO(text);
    CHECK(find_sqlstate(text) == nullptr);
    CHECK(retry_class(text) == RetryClass::never);
  }
}

TEST_CASE("a code that is known by its class alone is never repeated") {
  CHECK(retry_class("40ABC") == RetryClass::never);
  CHECK(retry_class("08ZZZ") == RetryClass::never);
}

}  // namespace
}  // namespace moonpool
