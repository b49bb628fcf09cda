#include "wire/statement_cache.hpp"

#include <algorithm>
#include <utility>

namespace moonpool::wire {

StatementCache::Plan StatementCache::plan(std::string_view key) {
  if (capacity_ == 0) return {};
  auto const found = entries_.find(key);
  if (found != entries_.end()) {
    auto const entry = found->second;
    order_.splice(order_.begin(), order_, entry);
    if (!entry->name.empty()) {
      ++hits_;
      return {Advice::run_named, entry->name};
    }
    ++misses_;
    // Names are never used twice, so a statement that was forgotten cannot be mistaken for a new one.
    entry->name = "moonpool_" + std::to_string(++names_);
    return {Advice::prepare, entry->name};
  }
  ++misses_;
  order_.push_front({std::string(key), ""});
  entries_.emplace(order_.front().key, order_.begin());
  if (order_.size() > capacity_) {
    auto& oldest = order_.back();
    if (!oldest.name.empty()) evicted_.push_back(std::move(oldest.name));
    entries_.erase(oldest.key);
    order_.pop_back();
  }
  return {};
}

void StatementCache::forget(std::string_view name) {
  auto const found = std::ranges::find(order_, name, &Entry::name);
  if (found == order_.end()) return;
  entries_.erase(found->key);
  order_.erase(found);
}

void StatementCache::clear() {
  entries_.clear();
  order_.clear();
  evicted_.clear();
}

std::vector<std::string> StatementCache::take_evicted() { return std::exchange(evicted_, {}); }

}  // namespace moonpool::wire
