#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moonpool::policy {

// A place in the server's log of changes, as a count of bytes.
using Lsn = std::uint64_t;

// PostgreSQL's way to write it: "0/3000060". nullopt for anything else.
std::optional<Lsn> parse_lsn(std::string_view text);
std::string format_lsn(Lsn lsn);

// From where on a server has applied everything before `end`, a primary's end of its log
// (pg_current_wal_insert_lsn). At the start of a page the primary counts the page's header, which nothing
// follows yet; a standby stops in front of it, until the next change comes.
Lsn all_before(Lsn end);

// A moment in the history of one database system. Two of them can be compared only on the same system
// and timeline: after a failover the new timeline goes through the same numbers again.
struct Position {
  std::uint64_t system = 0;    // the system identifier; 0: not known
  std::uint32_t timeline = 0;  // 0: not known
  Lsn lsn = 0;                 // 0: nowhere

  bool somewhere() const { return lsn != 0; }
  friend bool operator==(Position const&, Position const&) = default;
};

// "7301234567890123456/2/0/3000060": system, timeline, LSN. "" for nowhere.
std::string to_string(Position const& position);
// What to_string() gave, "" too; nullopt for anything else.
std::optional<Position> parse_position(std::string_view text);

// Of two moments the one to remember: the later one of the same history, else `next`.
Position later(Position const& known, Position const& next);

}  // namespace moonpool::policy
