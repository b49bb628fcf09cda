// The answers of the server, one after another, each to the request that it belongs to.
#include "wire/exchange.hpp"

#include <algorithm>
#include <utility>

#include "wire/connection.hpp"
#include "wire/pq.hpp"
#include "wire/raw_connection.hpp"

namespace moonpool::wire {

using async::Wakeup;

namespace {

// An answer that does not fit what was asked: something was lost in between, and nobody can tell any more
// which answer belongs to what.
Error out_of_step() {
  Error error(ErrorKind::protocol, "the server's answers are out of step with what was asked");
  return error.at(Phase::wait, Outcome::unknown);
}

}  // namespace

Exchange::Exchange(Connection& connection, Request const& request)
    : connection_(connection), request_(request), replies_(request) {}

Exchange::~Exchange() { abandon(); }

void Exchange::abandon() {
  if (std::exchange(owed_, 0) == 0) return;
  for (auto& expected : connection_.expected_) {
    if (expected.of == this) expected.of = nullptr;
  }
}

bool is_stale(Reply const& reply) {
  auto const* error = std::get_if<Error>(&reply);
  return error != nullptr && error->outcome() == Outcome::rejected &&
         error->retry_class() == RetryClass::statement_cache;
}

bool is_stale(std::vector<Reply> const& replies) {
  return std::ranges::any_of(replies, [](Reply const& reply) { return is_stale(reply); });
}

void note_second_try(std::vector<Reply>& replies, std::vector<Reply> const& first) {
  std::vector<Error> causes;
  for (auto const& reply : first) {
    auto const* error = std::get_if<Error>(&reply);
    if (error != nullptr && error->retry_class() == RetryClass::statement_cache) {
      causes.push_back(*error);
    }
  }
  for (auto& reply : replies) {
    if (auto* error = std::get_if<Error>(&reply)) error->attempt(2).because(causes);
  }
}

void Connection::expect(Expected::What what, std::size_t index, std::string name) {
  expected_.push_back({what, index, std::move(name), sending_});
  if (sending_ != nullptr) ++sending_->owed_;
}

void Connection::answered() {
  if (auto* const of = expected_.front().of) --of->owed_;
  expected_.pop_front();
}

// The answers stay owed, so nobody takes the connection for one in step.
void Connection::lose(Error const& error) {
  lost_ = true;
  for (auto const& expected : expected_) {
    if (expected.of != nullptr && !expected.of->lost_) expected.of->lose(error);
  }
}

bool Connection::begin(Exchange& exchange, Asks const& asks, bool alone) {
  ++round_trips_;
  sending_ = &exchange;
  auto const& request = exchange.request_;
  bool const lone = alone && request.size() == 1 && asks.ahead.empty() && asks.behind.empty();
  bool const sent = lone ? send_alone(request.front()) : send_all(request, asks);
  sending_ = nullptr;
  if (!sent) {
    lose(loss(Wakeup::ready));
    if (!exchange.lost_) exchange.lose(loss(Wakeup::ready));
  }
  return sent;
}

void Connection::note_ask(Expected const& expected, pq::ResultHandle result) {
  auto const status = pq::status(result.get());
  if (status == pq::ResultStatus::error) {
    if (!expected.name.empty()) cache_.forget(expected.name);
    return;
  }
  if (status != pq::ResultStatus::tuples_ok || expected.of == nullptr) return;
  Result const answer(std::move(result));
  if (answer.rows() != 1 || answer.columns() < 1) return;
  if (auto const value = answer.value(0, 0)) {
    auto& told = expected.of->told_;
    (expected.index == kAhead ? told.ahead : told.behind) = std::string(*value);
  }
}

void Connection::take_error(Error error) {
  auto const& front = expected_.front();
  auto* const of = front.of;
  if (error.sqlstate().empty()) {
    // libpq's own: the connection broke, or what the server says makes no sense to it.
    return lose(Error(ErrorKind::connection, error.message()).at(Phase::wait, Outcome::unknown));
  }
  note_error(front, error);
  if (of == nullptr) return;
  if (front.what == Expected::What::prepare) of->unprepared_.emplace_back(front.name, error);
  if (error.sqlstate() == "26000") {
    for (auto const& [name, reason] : of->unprepared_) {
      if (name == front.name) error = reason;
    }
  }
  // An error in place of the Sync's answer is the commit of the whole segment failing.
  of->replies_.error(front.what == Expected::What::sync ? Replies::kSegment : front.index, error);
}

void Connection::take_refusal(Error refused) {
  refused.as(ErrorKind::connection,
             "the connection could not be made ready for its next user: " + refused.message());
  unready_ = true;
  // What was sent behind it in its segment is skipped by the server, or never read by it.
  auto* const of = expected_.front().of;
  if (of != nullptr)
    of->replies_.error(Replies::kSegment, refused.at(Phase::prepare, Outcome::not_sent));
  bool const alone =
      std::ranges::all_of(expected_, [of](Expected const& expected) { return expected.of == of; });
  bool const one_segment =
      of == nullptr || std::ranges::count(of->request_, true, &Statement::ends_segment) == 1;
  // Other segments run in a session that belonged to somebody else: nobody may trust them.
  if (!alone || !one_segment) lose(refused.at(Phase::wait, Outcome::unknown));
}

// The Sync was answered, which settles what its one statement did.
void Connection::end_alone() {
  if (!pq::is_open(raw_->get())) return lose(loss(Wakeup::ready));
  if (expected_.front().what == Expected::What::statement) return lose(out_of_step());
  if (auto* const of = expected_.front().of) of->replies_.settle();
  answered();
  return_to_pipeline();
}

void Connection::take_answer() {
  using What = Expected::What;
  auto result = pq::next_result(raw_->get());
  auto const what = expected_.front().what;
  if (!result) {
    if (outside_) return end_alone();
    // The end of one command's answers; a Sync has exactly one and no such end.
    if (what != What::sync && what != What::cleared) {
      answered();
    } else if (!pq::is_open(raw_->get())) {
      lose(loss(Wakeup::ready));
    }
    return;
  }
  auto* const of = expected_.front().of;
  auto const status = pq::status(result.get());
  bool const ends_segment = !outside_ && (what == What::sync || what == What::cleared);
  bool const broken =
      status == pq::ResultStatus::error || status == pq::ResultStatus::pipeline_aborted;
  if (ends_segment != (status == pq::ResultStatus::pipeline_sync) && !broken) {
    return lose(out_of_step());
  }
  // Alone, it has answered: what may still come is the commit failing.
  if (outside_) expected_.front().what = What::sync;
  if (status == pq::ResultStatus::pipeline_sync) {
    if (what == What::sync && of != nullptr) of->replies_.settle();
    return answered();
  }
  if (what == What::clearing || what == What::cleared) return;
  if (what == What::rider) {
    if (status == pq::ResultStatus::error) take_refusal(Error(pq::error_fields(result.get())));
    return;
  }
  if (what == What::ask && pq::is_open(raw_->get())) {
    return note_ask(expected_.front(), std::move(result));
  }
  if (status == pq::ResultStatus::copy_in || status == pq::ResultStatus::copy_out ||
      status == pq::ResultStatus::copy_both) {
    return lose(Error(ErrorKind::protocol, "the server started a COPY in a pipeline")
                    .at(Phase::wait, Outcome::unknown));
  }
  if (status == pq::ResultStatus::error) return take_error(Error(pq::error_fields(result.get())));
  auto const index = expected_.front().index;
  if (status == pq::ResultStatus::pipeline_aborted) {
    // Skipped with the rest of its segment: what it would have prepared is not there.
    if (what == What::prepare) cache_.forget(expected_.front().name);
    if (of != nullptr) of->replies_.skipped(index);
    return;
  }
  if (what == What::prepare) return;
  Result answer(std::move(result));
  note_tag(answer.tag(), status == pq::ResultStatus::tuples_ok);
  if (of != nullptr) of->replies_.result(index, std::move(answer));
}

}  // namespace moonpool::wire
