#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "wire/statement.hpp"

namespace moonpool::wire {

// Collects one reply a statement while the answers of a request come in. What a segment's statements
// answered is settled only when its Sync was answered: the commit happens there.
class Replies {
 public:
  static constexpr std::size_t kSegment = static_cast<std::size_t>(-1);

  // `request` must outlive this.
  explicit Replies(Request const& request);

  void result(std::size_t index, Result result);
  // kSegment: every statement of the segment that is not settled yet.
  void error(std::size_t index, Error error);
  // The statement was skipped because an earlier one of its segment failed.
  void skipped(std::size_t index);
  // The Sync of the segment was answered.
  void settle();
  // Nothing more will come: every statement that is not settled gets this error.
  void lose_rest(Error const& error);

  std::vector<Reply> take();

 private:
  Error dressed(std::size_t index, Error error) const;
  std::size_t segment_end() const;

  Request const& request_;
  void put(std::size_t index, Reply reply);

  std::vector<Reply> replies_;
  std::string here_;         // a byte for each of them: is it?
  std::size_t settled_ = 0;  // statements before this one are settled
};

}  // namespace moonpool::wire
