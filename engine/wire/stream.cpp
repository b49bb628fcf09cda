#include "wire/stream.hpp"

#include "wire/check.hpp"
#include "wire/raw_connection.hpp"

namespace moonpool::wire {

using async::Operation;
using async::Wakeup;

std::size_t Stream::rows() const {
  return rows_ ? static_cast<std::size_t>(pq::rows(rows_.get())) : 0;
}

void Stream::fail(Error error) {
  if (failure_) return;
  if (error.query().empty()) error.in_query(sql_);
  failure_ = std::move(error);
}

// A batch is one result like any other: rows are copied into the first one of it, so that whoever reads
// values finds a single block and not a list of them.
void Stream::take_row(pq::ResultHandle result) {
  if (!rows_) {
    rows_ = std::move(result);
    bytes_ = pq::memory(rows_.get());
    return;
  }
  auto const added = pq::append_row(rows_.get(), result.get());
  if (added) {
    bytes_ += *added;
  } else {
    fail(Error(ErrorKind::environment, "out of memory for a batch of rows")
             .at(Phase::wait, Outcome::unknown));
  }
}

void Stream::take(pq::ResultHandle result) {
  auto& owed = connection_.expected_;
  auto const what = owed.front().what;
  if (!result) {
    // The end of one command's answers; a Sync has exactly one and no such end.
    if (what != What::sync && what != What::cleared) {
      owed.pop_front();
    } else if (!pq::is_open(connection_.raw_->get())) {
      connection_.lost_ = true;
    }
    return;
  }
  auto const status = pq::status(result.get());
  if (status == pq::ResultStatus::pipeline_sync) {
    owed.pop_front();
    return;
  }
  if (what == What::clearing || what == What::cleared) return;
  if (status == pq::ResultStatus::error) {
    Error error(pq::error_fields(result.get()));
    if (error.sqlstate().empty()) {
      connection_.lost_ = true;
      return fail(Error(ErrorKind::connection, error.message()).at(Phase::wait, Outcome::unknown));
    }
    if (what == What::rider) {
      connection_.unready_ = true;
      error.as(ErrorKind::connection,
               "the connection could not be made ready for its next user: " + error.message());
      return fail(error.at(Phase::prepare, Outcome::not_sent));
    }
    if (error.poisons_connection()) error.at(Phase::wait, Outcome::unknown);
    return fail(error);
  }
  if (status == pq::ResultStatus::copy_in || status == pq::ResultStatus::copy_out ||
      status == pq::ResultStatus::copy_both) {
    connection_.lost_ = true;
    return fail(Error(ErrorKind::protocol, "the server started a COPY in a pipeline")
                    .at(Phase::wait, Outcome::unknown));
  }
  if (status == pq::ResultStatus::single_tuple) return take_row(std::move(result));
  // What an earlier error of the segment kept from running has been told by that error.
  if (what != What::statement || status == pq::ResultStatus::pipeline_aborted) return;
  connection_.note_tag(pq::tag(result.get()), status == pq::ResultStatus::tuples_ok);
  if (owed.front().index == target_) closing_ = std::move(result);
}

// As far as it goes without waiting.
Stream::Step Stream::pull(std::size_t most) {
  auto* const raw = connection_.raw_->get();
  auto const& owed = connection_.expected_;
  for (;;) {
    if (owed.empty() || connection_.lost_) {
      if (connection_.lost_) fail(connection_.loss(Wakeup::ready));
      ended_ = true;
      return Step::ended;
    }
    // A row without columns cannot be copied, so it is a batch by itself.
    auto const count = rows();
    if (count >= most || bytes_ >= kBytes || (count > 0 && pq::columns(rows_.get()) == 0)) {
      return Step::full;
    }
    auto const& front = owed.front();
    if (!by_row_ && front.what == What::statement && front.index == target_) {
      // libpq takes this wish between the end of the last command's answers and the first of this one.
      by_row_ = true;
      pq::set_single_row(raw);
    }
    if (pq::is_busy(raw)) return Step::starved;
    take(pq::next_result(raw));
  }
}

Operation<void> Stream::start(Request request, Deadline deadline) {
  for (auto const& statement : request) check_statement(statement);
  request.back().cacheable = false;
  sql_ = request.back().sql;
  target_ = request.size() - 1;
  connection_.notices_.clear();
  ++connection_.round_trips_;
  if (!connection_.send_all(request)) connection_.lost_ = true;
  while (pull(1) == Step::starved) {
    auto waiting = connection_.wait_for_result(deadline);
    auto const wakeup = co_await std::move(waiting);
    if (wakeup != Wakeup::ready) throw connection_.loss(wakeup).in_query(sql_);
  }
  if (failure_ && !rows_) throw Error(*failure_);
}

Operation<Result> Stream::next(std::size_t most, Deadline deadline) {
  if (most == 0) most = kRows;
  bool looked = false;
  while (pull(most) == Step::starved) {
    if (rows_) {
      // What came in the meantime joins the batch.
      if (looked) break;
      looked = true;
      if (!pq::consume(connection_.raw_->get())) connection_.lost_ = true;
      continue;
    }
    auto waiting = connection_.wait_for_result(deadline);
    auto const wakeup = co_await std::move(waiting);
    if (wakeup != Wakeup::ready) throw connection_.loss(wakeup).in_query(sql_);
  }
  if (rows_) {
    bytes_ = 0;
    co_return Result(std::move(rows_));
  }
  if (failure_) throw Error(*failure_);
  co_return Result(std::move(closing_));
}

}  // namespace moonpool::wire
