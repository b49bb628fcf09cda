#include "session/transaction.hpp"

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/sql_scanner.hpp"
#include "observe/hub.hpp"
#include "session/exactly_once.hpp"

namespace moonpool::session {

using async::Operation;

std::string begin_statement(TransactionOptions const& options) {
  std::string sql = "BEGIN";
  switch (options.isolation) {
    case Isolation::server_default:
      break;
    case Isolation::read_committed:
      sql += " ISOLATION LEVEL READ COMMITTED";
      break;
    case Isolation::repeatable_read:
      sql += " ISOLATION LEVEL REPEATABLE READ";
      break;
    case Isolation::serializable:
      sql += " ISOLATION LEVEL SERIALIZABLE";
      break;
  }
  if (options.read_only) sql += " READ ONLY";
  if (options.deferrable) sql += " DEFERRABLE";
  return sql;
}

namespace {

// May the text end a transaction by itself? Then a lost answer is in doubt after all.
bool ends_transaction(std::string_view sql) {
  SqlScanner scanner(sql);
  auto token = scanner.next();
  while (token.kind == TokenKind::space || token.kind == TokenKind::comment) token = scanner.next();
  std::string word(token.text);
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word == "commit" || word == "end" || word == "prepare" || word == "call" || word == "do";
}

}  // namespace

Transaction::Transaction(cluster::Placement placement, TransactionOptions const& options,
                         Deadline deadline)
    : placement_(std::move(placement)), node_(placement_.node->name()), deadline_(deadline) {
  control_.push_back(begin_statement(options));
  if (!deadline.is_never()) {
    // A little more than the caller's own time, so that it is the caller who gives up first.
    auto const left = deadline.left() + std::chrono::milliseconds(100);
    auto const ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    control_.push_back("SET LOCAL statement_timeout = " + std::to_string(ms));
  }
}

wire::Request Transaction::with_control(wire::Request request) {
  wire::Request whole;
  whole.reserve(control_.size() + request.size());
  for (auto& sql : control_) whole.push_back({std::move(sql), {}, false, false});
  control_.clear();
  for (auto& savepoint : savepoints_) savepoint.sent = true;
  for (auto& statement : request) whole.push_back(std::move(statement));
  begun_ = true;
  return whole;
}

void Transaction::take_token(std::string token) {
  control_.push_back(taking(token));
  token_ = std::move(token);
}

Operation<std::vector<wire::Reply>> Transaction::send(wire::Request request, Deadline deadline) {
  auto const limit = deadline.earlier(deadline_);
  bool const takes_token = !token_.empty() && !begun_;
  auto const controls = takes_token ? control_ : std::vector<std::string>();
  auto const savepoints = savepoints_;
  auto const kept = takes_token ? request : wire::Request();
  auto whole = with_control(std::move(request));
  auto running = placement_.lease->run(std::move(whole), limit);
  auto replies = co_await std::move(running);
  note(replies);
  if (!takes_token) co_return replies;
  auto const first = std::ranges::find_if(
      replies, [](wire::Reply const& reply) { return std::holds_alternative<Error>(reply); });
  auto const at = static_cast<std::size_t>(first - replies.begin());
  bool const refused = at < controls.size() && controls[at] == taking(token_);
  if (!refused) co_return replies;
  *first = explained(std::get<Error>(*first));
  if (!lacks_commits_table(std::get<Error>(*first))) co_return replies;
  // Nothing of the transaction has happened yet: it begins anew behind the table.
  wire::Request making_request;
  making_request.push_back({"ROLLBACK", {}, true, false});
  for (auto& statement : commits_table()) making_request.push_back(std::move(statement));
  auto making = placement_.lease->run(std::move(making_request), limit);
  auto made = co_await std::move(making);
  note(made);
  control_ = controls;
  savepoints_ = savepoints;
  begun_ = false;
  for (auto& reply : made) {
    auto const* error = std::get_if<Error>(&reply);
    if (error == nullptr) continue;
    *first = explained(*error);
    co_return replies;
  }
  auto again = with_control(kept);
  auto rerunning = placement_.lease->run(std::move(again), limit);
  replies = co_await std::move(rerunning);
  note(replies);
  co_return replies;
}

Operation<std::optional<Error>> Transaction::send_control(Deadline deadline) {
  if (control_.empty()) co_return std::nullopt;
  wire::Request nothing;
  nothing.push_back({"", {}, true, false});
  auto sending = send(std::move(nothing), deadline);
  auto const replies = co_await std::move(sending);
  for (auto const& reply : replies) {
    if (auto const* error = std::get_if<Error>(&reply)) co_return *error;
  }
  co_return std::nullopt;
}

void Transaction::note(std::vector<wire::Reply> const& replies) {
  for (auto const& reply : replies) {
    auto const* error = std::get_if<Error>(&reply);
    if (error == nullptr || !error->poisons_connection()) continue;
    state_ = State::broken;
    if (!lost_) lost_ = *error;
  }
}

Error Transaction::why_broken() const {
  std::string const told = "the connection of this transaction was lost, so it was rolled back";
  if (lost_) {
    auto error = *lost_;
    error.at(error.phase(), Outcome::rejected);
    if (error.retryable()) return error.as(error.kind(), told + ": " + error.message());
  }
  return Error(ErrorKind::transaction, told).at(Phase::prepare, Outcome::rejected);
}

// After an operation that was dropped mid-flight the connection owes answers to nobody.
void Transaction::check_in_step() {
  if (placement_.lease && placement_.lease->usable()) return;
  state_ = State::broken;
  throw Error(ErrorKind::transaction,
              "an earlier statement of this transaction was cut short, so it was rolled back")
      .at(Phase::prepare, Outcome::rejected)
      .on_node(node_);
}

Operation<std::vector<wire::Reply>> Transaction::run(wire::Request request, Deadline deadline) {
  auto readying = get_in_step(deadline);
  co_await std::move(readying);
  auto const statements = request.size();
  // COMMIT was not sent, so whatever is lost on the way has no effect; unless the caller's own text may
  // end the transaction: then all that is with it is in doubt.
  bool const may_end = std::ranges::any_of(
      request, [](wire::Statement const& statement) { return ends_transaction(statement.sql); });
  auto sending = send(std::move(request), deadline);
  auto replies = co_await std::move(sending);
  if (may_end) lost_.reset();
  auto const riders = replies.size() - statements;
  for (auto& reply : replies) {
    auto* error = std::get_if<Error>(&reply);
    if (error != nullptr && error->in_doubt() && !may_end) {
      error->at(error->phase(), Outcome::rejected);
    }
  }
  check_still_open(replies);
  // A control statement that failed is why the first statement was not run.
  for (std::size_t i = 0; i < riders; ++i) {
    auto const* error = std::get_if<Error>(&replies[i]);
    if (error != nullptr && !error->in_doubt()) {
      replies[riders] = *error;
      break;
    }
  }
  replies.erase(replies.begin(), replies.begin() + static_cast<std::ptrdiff_t>(riders));
  co_return replies;
}

Operation<std::vector<wire::Reply>> Transaction::run_script(std::string sql, Deadline deadline) {
  auto readying = get_in_step(deadline);
  co_await std::move(readying);
  // The simple protocol takes one text: what rides goes in front of it.
  auto sending = send_control(deadline);
  auto const failure = co_await std::move(sending);
  if (failure) {
    std::vector<wire::Reply> failed;
    failed.emplace_back(*failure);
    co_return failed;
  }
  auto running = placement_.lease->run_script(std::move(sql), deadline.earlier(deadline_));
  auto replies = co_await std::move(running);
  note(replies);
  lost_.reset();  // the text may have ended the transaction before
  check_still_open(replies);
  co_return replies;
}

// Text that ended the transaction would have later statements run outside of it.
void Transaction::check_still_open(std::vector<wire::Reply>& replies) {
  auto const status = placement_.lease->transaction_state();
  if (status != wire::TransactionState::idle || state_ != State::open) return;
  state_ = State::broken;
  Error ended(ErrorKind::transaction,
              "this statement ended the transaction it ran in (COMMIT or ROLLBACK)");
  ended.at(Phase::wait, Outcome::unknown).on_node(node_);
  replies.back() = ended.hint("leave COMMIT and ROLLBACK to the transaction function");
}

std::size_t Transaction::push() {
  auto name = "moonpool_" + std::to_string(++names_);
  control_.push_back("SAVEPOINT " + name);
  savepoints_.push_back({std::move(name), false});
  return savepoints_.size();
}

void Transaction::end_savepoint() {
  if (placement_.lease->transaction_state() == wire::TransactionState::failed) {
    undo();
    throw Error(ErrorKind::transaction,
                "a statement of this nested transaction had failed, so it was rolled back")
        .at(Phase::wait, Outcome::rejected)
        .on_node(node_)
        .hint("let the error leave the nested transaction's function");
  }
  auto const savepoint = savepoints_.back();
  savepoints_.pop_back();
  // Where nothing was sent inside, the savepoint itself was never sent either.
  if (savepoint.sent) {
    control_.push_back("RELEASE SAVEPOINT " + savepoint.name);
  } else {
    std::erase(control_, "SAVEPOINT " + savepoint.name);
  }
}

void Transaction::undo() {
  auto const savepoint = savepoints_.back();
  savepoints_.pop_back();
  if (savepoint.sent) {
    control_.push_back("ROLLBACK TO SAVEPOINT " + savepoint.name);
    control_.push_back("RELEASE SAVEPOINT " + savepoint.name);
  } else {
    std::erase(control_, "SAVEPOINT " + savepoint.name);
  }
}

void Transaction::send_home(cluster::Placement* home) {
  if (home != nullptr && placement_.lease && placement_.lease->usable()) {
    *home = std::move(placement_);
  } else {
    placement_.lease.give_back();
  }
}

void Transaction::abandon() {
  placement_.lease.discard();
  state_ = State::rolled_back;
}

Operation<void> Transaction::commit(Deadline deadline, cluster::Placement* home) {
  if (!begun_) {
    state_ = State::committed;
    send_home(home);
    co_return;
  }
  if (std::exchange(loan_, 0) != 0) {
    placement_.lease.give_back();
    state_ = State::rolled_back;
    throw Error(ErrorKind::transaction,
                "a COPY of this transaction had not ended, so it was rolled back")
        .at(Phase::commit, Outcome::rejected)
        .on_node(node_);
  }
  if (left_) {
    auto undoing = undo_loan(deadline);
    co_await std::move(undoing);
  }
  if (state_ != State::open || !placement_.lease->usable()) {
    placement_.lease.give_back();
    state_ = State::rolled_back;
    throw why_broken().at(Phase::commit, Outcome::rejected).on_node(node_);
  }
  wire::Request request;
  request.push_back({"COMMIT", {}, true, false});
  auto whole = with_control(std::move(request));
  placement_.lease.forbid_cancel();
  if (!ask_at_commit_.empty()) placement_.lease->ask_behind(ask_at_commit_);
  auto running = placement_.lease->run(std::move(whole), deadline.earlier(deadline_));
  auto replies = co_await std::move(running);
  auto const& reply = replies.back();
  state_ = State::rolled_back;
  if (placement_.lease->committed_locally()) {
    // Committed here for certain, whatever became of the answer; a failover now could still lose it.
    observe::log(placement_.node->hub(),
                 {observe::Level::warning,
                  "commit.local",
                  "committed on this node without waiting for its synchronous standbys",
                  {{"node", node_}}});
    state_ = State::committed;
    placement_.lease.discard();
    co_return;
  }
  if (auto const* failed = std::get_if<Error>(&reply)) {
    auto error = *failed;
    error.on_node(node_);
    if (error.in_doubt()) {
      error.as(ErrorKind::commit_unknown,
               "COMMIT was sent and its answer was lost (" + error.message() +
                   "): the transaction may or may not have been committed");
      error.at(Phase::commit, Outcome::unknown);
      placement_.lease.discard();
    } else {
      error.at(Phase::commit, error.outcome());
      placement_.lease.allow_cancel();
      send_home(home);
    }
    throw error;
  }
  auto const tag = std::string(std::get<wire::Result>(reply).tag());
  committed_at_ = placement_.lease->told_behind().value_or("");
  placement_.lease.allow_cancel();
  send_home(home);
  // A failed transaction answers COMMIT with success and the tag ROLLBACK.
  if (tag != "COMMIT" && tag != "ROLLBACK") {
    throw Error(ErrorKind::commit_unknown,
                "COMMIT was answered with '" + tag +
                    "': the transaction may or may not have been committed")
        .at(Phase::commit, Outcome::unknown)
        .on_node(node_);
  }
  if (tag == "ROLLBACK") {
    throw Error(ErrorKind::transaction,
                "a statement of this transaction had failed, so COMMIT rolled it back")
        .at(Phase::commit, Outcome::rejected)
        .on_node(node_)
        .hint("let the error leave the transaction function, or put the statement in a nested one");
  }
  state_ = State::committed;
}

Operation<void> Transaction::rollback(Deadline deadline, cluster::Placement* home) {
  loan_ = 0;
  bool const reusable = state_ == State::open && placement_.lease && placement_.lease->usable();
  state_ = State::rolled_back;
  if (!begun_ && placement_.lease) {
    send_home(home);
    co_return;
  }
  if (!reusable) {
    // Left mid-flight: the pool's keeper brings it back in step or closes it.
    send_home(home);
    co_return;
  }
  wire::Request request;
  request.push_back({"ROLLBACK", {}, true, false});
  auto running = placement_.lease->run(std::move(request), deadline);
  co_await std::move(running);
  send_home(home);
}

}  // namespace moonpool::session
