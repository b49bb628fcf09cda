// How a request goes out: what rides ahead, statements by text or by name, the Sync of each segment.
#include "wire/connection.hpp"
#include "wire/pq.hpp"
#include "wire/raw_connection.hpp"

namespace moonpool::wire {
namespace {

// Text and parameter types: a statement prepared for other types is another statement.
std::string typed_key(Statement const& statement) {
  std::string key = statement.sql;
  for (std::size_t i = 0; i < statement.params.size(); ++i) {
    if (statement.params[i].type == 0) continue;
    key += '\0';
    key += std::to_string(i) + ":" + std::to_string(statement.params[i].type);
  }
  return key;
}

}  // namespace

bool Connection::send_sync(Expected::What what) {
  expect(what, 0, "");
  return pq::send_sync(raw_->get());
}

// Clearing up may fail without harm (the user may have said DEALLOCATE ALL), so it is a segment of its
// own. What must succeed opens the first segment: when it fails, the server skips what follows.
bool Connection::send_riders() {
  for (auto const& name : cache_.take_evicted()) {
    expect(Expected::What::clearing, 0, "");
    auto const sql = "DEALLOCATE " + name;
    if (!pq::send_params(raw_->get(), sql.c_str(), {}) || !send_sync(Expected::What::cleared)) {
      return false;
    }
  }
  for (auto const& sql : ahead_) {
    if (sql == "DISCARD ALL") cache_.clear();
    expect(Expected::What::rider, 0, "");
    if (!pq::send_params(raw_->get(), sql.c_str(), {})) return false;
  }
  ahead_.clear();
  return true;
}

// What the cache advises, with the values in values_.
Connection::Plan Connection::plan_for(Statement const& statement) {
  values_.clear();
  bool typed = false;
  for (auto const& param : statement.params) {
    values_.push_back({param.text ? param.text->c_str() : nullptr, param.type});
    typed = typed || param.type != 0;
  }
  if (!statement.cacheable) return {};
  return typed ? cache_.plan(typed_key(statement)) : cache_.plan(statement.sql);
}

bool Connection::send_statement(Statement const& statement, std::size_t index, Plan const& plan) {
  if (plan.advice == StatementCache::Advice::run_plain) {
    expect(Expected::What::statement, index, "");
    return pq::send_params(raw_->get(), statement.sql.c_str(), values_);
  }
  if (plan.advice == StatementCache::Advice::prepare) {
    expect(Expected::What::prepare, index, plan.name);
    if (!pq::send_prepare(raw_->get(), plan.name.c_str(), statement.sql.c_str(), values_))
      return false;
  }
  expect(Expected::What::statement, index, plan.name);
  return pq::send_prepared(raw_->get(), plan.name.c_str(), values_);
}

// A statement with nothing before it needs no pipeline: it is sent with a Sync of its own, and libpq does less for
// it.
bool Connection::send_alone(Statement const& statement) {
  if (!send_riders()) return false;
  auto const plan = plan_for(statement);
  if (expected_.empty() && plan.advice != StatementCache::Advice::prepare) {
    if (!pq::exit_pipeline(raw_->get())) return false;
    outside_ = true;
    return send_statement(statement, 0, plan);
  }
  return send_statement(statement, 0, plan) && send_sync(Expected::What::sync);
}

bool Connection::send_ask(std::string_view sql, std::size_t which) {
  auto const first = expected_.size();
  Statement const question{std::string(sql), {}, true, true};
  if (!send_statement(question, which, plan_for(question))) return false;
  for (auto i = first; i < expected_.size(); ++i) expected_[i].what = Expected::What::ask;
  for (auto i = first; i < expected_.size(); ++i) expected_[i].index = which;
  return send_sync(Expected::What::cleared);
}

// What is asked ahead stands before the riders too: they open the first segment of the request itself.
bool Connection::send_all(Request const& request, Asks const& asks) {
  if (!asks.ahead.empty() && !send_ask(asks.ahead, kAhead)) return false;
  if (!send_riders()) return false;
  for (std::size_t i = 0; i < request.size(); ++i) {
    if (!send_statement(request[i], i, plan_for(request[i]))) return false;
    if (request[i].ends_segment && !send_sync(Expected::What::sync)) return false;
  }
  return asks.behind.empty() || send_ask(asks.behind, kBehind);
}

}  // namespace moonpool::wire
