#include "wire/replies.hpp"

namespace moonpool::wire {

Replies::Replies(Request const& request) : request_(request), replies_(request.size()) {}

bool Replies::is_open(std::size_t index) const {
  auto const* result = std::get_if<Result>(&replies_[index]);
  return result != nullptr && result->handle() == nullptr;
}

std::size_t Replies::segment_end() const {
  auto end = settled_;
  while (end < request_.size() && !request_[end].ends_segment) ++end;
  return end < request_.size() ? end + 1 : end;
}

Error Replies::dressed(std::size_t index, Error error) const {
  if (error.query().empty()) error.in_query(request_[index].sql);
  return error;
}

void Replies::result(std::size_t index, Result result) {
  // A rule can make a statement answer more than once; the last answer counts, as in psql.
  if (std::holds_alternative<Error>(replies_[index])) return;
  replies_[index] = std::move(result);
}

void Replies::error(std::size_t index, Error error) {
  // FATAL ends the session: what it says of this statement need not be the last word about a commit.
  if (error.poisons_connection()) error.at(Phase::wait, Outcome::unknown);
  if (index != kSegment) {
    // The first error of a statement is the one to tell: preparing failed, then running by that name.
    if (std::holds_alternative<Error>(replies_[index])) return;
    replies_[index] = dressed(index, error);
    return;
  }
  for (auto i = settled_; i < segment_end(); ++i) {
    if (std::holds_alternative<Result>(replies_[i])) replies_[i] = dressed(i, error);
  }
}

void Replies::skipped(std::size_t index) {
  if (!is_open(index)) return;
  Error because(ErrorKind::transaction,
                "not run, because an earlier statement of its group failed");
  because.at(Phase::wait, Outcome::rejected);
  replies_[index] = dressed(index, because);
}

void Replies::settle() { settled_ = segment_end(); }

void Replies::lose_rest(Error const& error) {
  // A segment whose error was read cannot commit any more.
  auto const end = segment_end();
  bool failed = false;
  for (auto i = settled_; i < end; ++i) {
    auto const* known = std::get_if<Error>(&replies_[i]);
    failed = failed || (known != nullptr && known->outcome() == Outcome::rejected);
  }
  if (failed) {
    for (auto i = settled_; i < end; ++i) {
      if (std::holds_alternative<Error>(replies_[i])) continue;
      replies_[i] = Result();
      skipped(i);
    }
  }
  for (auto i = settled_; i < replies_.size(); ++i) {
    if (std::holds_alternative<Result>(replies_[i])) replies_[i] = dressed(i, error);
  }
  settled_ = replies_.size();
}

std::vector<Reply> Replies::take() {
  for (std::size_t i = 0; i < replies_.size(); ++i) {
    if (!is_open(i)) continue;
    Error missing(ErrorKind::protocol, "the server gave no answer to this statement");
    missing.at(Phase::wait, Outcome::unknown);
    replies_[i] = dressed(i, missing);
  }
  return std::move(replies_);
}

}  // namespace moonpool::wire
