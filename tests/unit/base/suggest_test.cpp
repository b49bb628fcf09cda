#include "base/suggest.hpp"

#include <rapidcheck.h>

#include <array>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace moonpool {
namespace {

constexpr std::array<std::string_view, 6> kKnown = {
    "pool.max", "pool.min", "pool.acquire_timeout", "timeout", "statement_timeout", "id"};

TEST_CASE("a near name is found") {
  CHECK(nearest_name("pool.mox", kKnown) == "pool.max");
  CHECK(nearest_name("timeuot", kKnown) == "timeout");
  CHECK(nearest_name("POOL.MAX", kKnown) == "pool.max");
  CHECK(nearest_name("pool.aquire_timout", kKnown) == "pool.acquire_timeout");
  CHECK(nearest_name("ids", kKnown) == "id");
  CHECK(nearest_name("statment_timeout", kKnown) == "statement_timeout");
}

TEST_CASE("the nearest of several is found, the first of equals") {
  constexpr std::array<std::string_view, 3> known = {"created", "create", "crate"};
  CHECK(nearest_name("creates", known) == "created");
  CHECK(nearest_name("creat", known) == "create");
}

TEST_CASE("what is near nothing finds nothing") {
  CHECK(nearest_name("completely_else", kKnown).empty());
  CHECK(nearest_name("", kKnown).empty());
  CHECK(nearest_name("x", kKnown).empty());
  CHECK(nearest_name("ax", kKnown).empty());
  CHECK(nearest_name("anything", {}).empty());
}

TEST_CASE("a suggestion is a remark in brackets") {
  CHECK(did_you_mean("pool.mox", kKnown) == " (did you mean 'pool.max'?)");
  CHECK(did_you_mean("zebra", kKnown).empty());
}

// Written from the definition, without the three rows: edits are insertion, deletion, replacement, and
// a swap of neighbours.
std::size_t distance(std::string const& a, std::string const& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

TEST_CASE("a name is near exactly when it takes at most one edit in three characters") {
  CHECK(rc::check("random names over few letters", [] {
    auto const letters = rc::gen::container<std::string>(rc::gen::elementOf(std::string("abc_")));
    auto const given = *letters;
    auto const name = *letters;
    std::array<std::string_view, 1> const known = {name};
    bool const near =
        !name.empty() && distance(given, name) * 3 <= std::max(given.size(), name.size());
    RC_ASSERT(nearest_name(given, known) == (near ? std::string_view(name) : std::string_view()));
  }));
}

}  // namespace
}  // namespace moonpool
