#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "dev/server.hpp"

namespace moonpool::test {

// What a client was told of one operation.
enum class Told : std::uint8_t {
  done,     // it happened
  nothing,  // it did not, and never will
  unknown,  // nobody could say
};

struct Entry {
  Told told = Told::unknown;
  std::string kind;   // of the operation
  std::string words;  // the error's, when it was one
  double at = 0;      // seconds into the run
};

// What one client did, in order; the operation's number is its place. Written by one thread, read when it has ended.
struct Book {
  std::vector<Entry> entries;
};

// What the books and the database say together. Every operation writes two rows, both or none.
struct Balance {
  int lost = 0;       // told done, and not there
  int duplicate = 0;  // there more than once
  int phantom = 0;    // told nothing, and there; or half of it
  int done = 0;
  int nothing = 0;
  int unknown = 0;
  int unknown_there = 0;
  std::vector<std::string> findings;

  bool clean() const { return lost + duplicate + phantom == 0; }
};

// `witness`: the surviving primary, when nobody writes any more.
inline Balance audit(std::vector<Book> const& books, dev::Server const& witness) {
  std::map<std::pair<int, int>, int> rows;
  for (auto const& row :
       witness.query("select client, op, count(*) from ledger group by client, op")) {
    rows[{std::stoi(*row[0]), std::stoi(*row[1])}] = std::stoi(*row[2]);
  }
  Balance verdict;
  for (std::size_t client = 0; client < books.size(); ++client) {
    for (std::size_t op = 0; op < books[client].entries.size(); ++op) {
      auto const& entry = books[client].entries[op];
      auto const found = rows.find({static_cast<int>(client), static_cast<int>(op)});
      int const there = found == rows.end() ? 0 : found->second;
      auto report = [&](char const* what, int& count) {
        ++count;
        std::ostringstream text;
        text << what << ": client " << client << ", operation " << op << " (" << entry.kind
             << ") at " << entry.at << " s, " << there
             << " rows, was told: " << (entry.words.empty() ? "done" : entry.words);
        verdict.findings.push_back(text.str());
      };
      if (there > 2) report("DUPLICATE", verdict.duplicate);
      if (there == 1) report("PHANTOM (half)", verdict.phantom);
      switch (entry.told) {
        case Told::done:
          ++verdict.done;
          if (there == 0) report("LOST", verdict.lost);
          break;
        case Told::nothing:
          ++verdict.nothing;
          if (there == 2) report("PHANTOM", verdict.phantom);
          break;
        case Told::unknown:
          ++verdict.unknown;
          if (there > 0) ++verdict.unknown_there;
          break;
      }
    }
  }
  return verdict;
}

}  // namespace moonpool::test
