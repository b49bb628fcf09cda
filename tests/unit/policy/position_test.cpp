#include "policy/position.hpp"

#include <rapidcheck.h>

#include "support/catch.hpp"

namespace moonpool::policy {
namespace {

TEST_CASE("a place in the log is written as PostgreSQL writes it") {
  CHECK(parse_lsn("0/3000060") == Lsn{0x3000060});
  CHECK(parse_lsn("1A/FFFFFFFF") == Lsn{0x1AFFFFFFFF});
  CHECK(format_lsn(0x1A000000FF) == "1A/FF");
  for (auto const* bad : {"", "/", "0/", "/1", "0-1", "0/1x", "100000000/0", "0/1/2", "g/0"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_lsn(bad).has_value());
  }
  CHECK(rc::check("reads what it writes",
                  [](Lsn lsn) { RC_ASSERT(parse_lsn(format_lsn(lsn)) == lsn); }));
}

TEST_CASE("a moment is one text, which reads back") {
  CHECK(to_string(Position{7, 2, 0x3000060}) == "7/2/0/3000060");
  CHECK(to_string(Position{}).empty());
  CHECK(parse_position("") == Position{});
  for (auto const* bad : {"7", "7/2", "7/2/0", "7/x/0/1", "-7/2/0/1", "7/2/0/1 "}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_position(bad).has_value());
  }
  CHECK(rc::check("reads what it writes", [](std::uint64_t system, std::uint32_t timeline) {
    Position const position{system, timeline, 1};
    RC_ASSERT(parse_position(to_string(position)) == position);
  }));
}

TEST_CASE("at the start of a page everything before it is enough") {
  CHECK(all_before(0x3422018) == 0x3422000);  // behind the header of a page
  CHECK(all_before(0x4000028) == 0x4000000);  // behind that of a segment
  for (Lsn const end : {0x3422000, 0x3422010, 0x3422020, 0x3422028, 0x4000018 + 8, 0x3423018}) {
    CAPTURE(format_lsn(end));
    CHECK(all_before(end) == end);
  }
}

TEST_CASE("of one history the later moment is kept; another history takes its place") {
  Position const early{7, 1, 10};
  Position const late{7, 1, 20};
  CHECK(later(early, late) == late);
  CHECK(later(late, early) == late);
  CHECK(later({}, early) == early);
  Position const other_timeline{7, 2, 5};
  CHECK(later(late, other_timeline) == other_timeline);
}

}  // namespace
}  // namespace moonpool::policy
