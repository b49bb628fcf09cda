#include "wire/replies.hpp"

namespace moonpool::wire {

Replies::Replies(Request const& request)
    : request_(request), replies_(request.size()), here_(request.size(), 0) {}

void Replies::put(std::size_t index, Reply reply) {
  replies_[index] = std::move(reply);
  here_[index] = 1;
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
  put(index, std::move(result));
}

void Replies::error(std::size_t index, Error error) {
  // FATAL ends the session: what it says of this statement need not be the last word about a commit.
  if (error.poisons_connection()) error.at(Phase::wait, Outcome::unknown);
  if (index != kSegment) {
    // The first error of a statement is the one to tell: preparing failed, then running by that name.
    if (std::holds_alternative<Error>(replies_[index])) return;
    put(index, dressed(index, error));
    return;
  }
  for (auto i = settled_; i < segment_end(); ++i) {
    if (std::holds_alternative<Result>(replies_[i])) put(i, dressed(i, error));
  }
}

void Replies::skipped(std::size_t index) {
  if (here_[index] != 0) return;
  Error because(ErrorKind::transaction,
                "not run, because an earlier statement of its group failed");
  because.at(Phase::wait, Outcome::rejected);
  put(index, dressed(index, because));
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
      here_[i] = 0;
      skipped(i);
    }
  }
  for (auto i = settled_; i < replies_.size(); ++i) {
    if (std::holds_alternative<Result>(replies_[i])) put(i, dressed(i, error));
  }
  settled_ = replies_.size();
}

std::vector<Reply> Replies::take() {
  for (std::size_t i = 0; i < replies_.size(); ++i) {
    if (here_[i] != 0) continue;
    Error missing(ErrorKind::protocol, "the server gave no answer to this statement");
    missing.at(Phase::wait, Outcome::unknown);
    put(i, dressed(i, missing));
  }
  return std::move(replies_);
}

}  // namespace moonpool::wire
