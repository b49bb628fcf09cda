#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moonpool::wire {

// Which statements are prepared on one connection, and under which names. A text that comes a second
// time is worth preparing; the one that was not used for longest makes room. Knows no server: it says
// what to do and is told what became of it.
class StatementCache {
 public:
  enum class Advice : std::uint8_t {
    run_plain,  // send the text itself
    prepare,    // prepare it under `name` first, then run by name
    run_named,  // it is prepared already
  };
  struct Entry {
    std::string key;
    std::string name;  // empty: seen once, not prepared
  };
  struct Plan {
    Advice advice = Advice::run_plain;
    std::string name;
  };

  // Capacity 0: everything is run plain.
  explicit StatementCache(std::size_t capacity = 256) : capacity_(capacity) {}

  // What to do with this statement now. `key` is the text and its parameter types. After `prepare`
  // later calls say run_named; forget() takes that back.
  Plan plan(std::string_view key);
  // The server does not know the name, or knows it wrongly.
  void forget(std::string_view name);
  // The server dropped all of them (DISCARD ALL).
  void clear();
  // Names that made room and should be deallocated; each is given once.
  std::vector<std::string> take_evicted();

  std::size_t size() const { return order_.size(); }
  std::size_t capacity() const { return capacity_; }
  std::uint64_t hits() const { return hits_; }
  std::uint64_t misses() const { return misses_; }

 private:
  std::size_t capacity_;
  std::list<Entry> order_;  // the front was used last
  std::unordered_map<std::string_view, std::list<Entry>::iterator> entries_;  // keys lean on order_
  std::vector<std::string> evicted_;
  std::uint64_t names_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
};

}  // namespace moonpool::wire
