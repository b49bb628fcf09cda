#include "wire/listen.hpp"

#include "wire/raw_connection.hpp"

namespace moonpool::wire {

bool Listening::collect(std::deque<Note>& notes) {
  auto* const raw = connection_.raw_->get();
  bool const alive = pq::consume(raw) && pq::is_open(raw);
  auto& owed = connection_.expected_;
  while (alive && !owed.empty() && !pq::is_busy(raw)) {
    auto const result = pq::next_result(raw);
    if (!result) {
      if (owed.front().what == Connection::Expected::What::sync) break;
      owed.pop_front();
      continue;
    }
    auto const status = pq::status(result.get());
    if (status == pq::ResultStatus::pipeline_sync) owed.pop_front();
    if (status == pq::ResultStatus::error) connection_.lost_ = true;
    if (status == pq::ResultStatus::tuples_ok && pq::rows(result.get()) == 1) {
      heard_ = pq::value(result.get(), 0, 0);
    }
  }
  // Without a result to wait for, this parses what has come.
  while (auto note = pq::next_note(raw)) notes.push_back(std::move(*note));
  if (!alive || !pq::is_open(raw)) connection_.lost_ = true;
  return !connection_.lost_;
}

bool Listening::probe(std::string const& channel) {
  Request request;
  request.push_back({"SELECT clock_timestamp(), pg_notify($1, '')", {{channel, 25}}, true, false});
  if (!connection_.send_all(request)) connection_.lost_ = true;
  return !connection_.lost_;
}

bool Listening::sending() const { return pq::flush(connection_.raw_->get()) == 1; }

}  // namespace moonpool::wire
