#include "session/stream.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/error.hpp"
#include "session/hold.hpp"
#include "session/session.hpp"
#include "wire/stream.hpp"

namespace moonpool::session {

using async::Operation;

namespace {

// Off a connection of its own.
class Direct final : public Stream {
 public:
  explicit Direct(Patience patience) : patience_(patience) {}

  Start start(wire::Statement const& statement, Context context) {
    return [this, &statement, context = std::move(context)](wire::Connection& connection,
                                                            Deadline deadline) {
      source_.emplace(connection);
      wire::Request request;
      if (!context.empty()) request.push_back(context.statement());
      request.push_back(statement);
      return source_->start(std::move(request), deadline);
    };
  }
  Hold& hold() { return hold_; }
  std::string const& node() const override { return hold_.node(); }

  Operation<std::optional<wire::Result>> next(std::size_t most) override {
    if (!hold_.held()) co_return std::nullopt;
    std::optional<wire::Result> batch;
    std::optional<Error> failure;
    try {
      auto reading = source_->next(most, patience_.next());
      batch = co_await std::move(reading);
    } catch (Error const& error) {
      failure = error;
    }
    if (failure) {
      failure->on_node(node());
      hold_.end(&*failure);
      throw Error(*failure);
    }
    hold_.count_rows(static_cast<std::int64_t>(batch->rows()));
    if (batch->rows() == 0) {
      auto learning = hold_.learn_position(patience_.next());
      co_await std::move(learning);
      hold_.end(nullptr);
    }
    co_return batch;
  }

 private:
  Patience const patience_;
  Hold hold_;
  std::optional<wire::Stream> source_;
};

}  // namespace

// A cursor of a transaction. Its FETCHes are statements of the transaction like others.
class Session::Cursor final : public Stream {
 public:
  Cursor(std::shared_ptr<Session> session, Duration timeout)
      : session_(std::move(session)), timeout_(timeout) {}
  // Where the cursor is certain to be there still, it is closed with the next statement; else its
  // transaction's end closes it.
  ~Cursor() override {
    if (open_ && !session_->scope_->over) session_->transaction_->ride_if_sound("CLOSE " + name_);
  }

  std::string const& node() const override { return session_->transaction_->node(); }

  // DECLARE and the first FETCH, in one round trip.
  Operation<void> open(wire::Statement statement) {
    statement.sql = "DECLARE " + name_ + " NO SCROLL CURSOR FOR " + statement.sql;
    statement.cacheable = false;
    asked_ = kFirst;
    wire::Request request;
    request.push_back(std::move(statement));
    request.push_back({fetch(asked_), {}, true, false});
    auto running = session_->run(std::move(request), options());
    auto answer = co_await std::move(running);
    if (auto const* told = answer.error()) {
      auto error = *told;
      if (error.sqlstate() == "42601") {
        error.hint("inside a transaction a stream is a cursor, so its statement must be a query");
      }
      throw error;
    }
    open_ = true;
    ahead_ = std::get<wire::Result>(std::move(answer.replies[1]));
    take(*ahead_);
  }

  Operation<std::optional<wire::Result>> next(std::size_t most) override {
    if (ahead_) {
      auto batch = take_ahead(most);
      co_return batch;
    }
    if (!open_) {
      auto end = std::move(end_);
      end_.reset();
      co_return end;
    }
    asked_ = most != 0 ? most : wanted_;
    wire::Request request;
    request.push_back({fetch(asked_), {}, true, false});
    open_ = false;
    auto running = session_->run(std::move(request), options());
    auto answer = co_await std::move(running);
    if (auto const* error = answer.error()) throw Error(*error);
    open_ = true;
    auto batch = std::get<wire::Result>(std::move(answer.replies.front()));
    take(batch);
    co_return batch;
  }

 private:
  static constexpr std::size_t kFirst = 64;
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kBytes = std::size_t{1} << 20;

  static std::string new_name() {
    static std::atomic<std::uint64_t> count{0};
    return "moonpool_stream_" + std::to_string(++count);
  }
  std::string fetch(std::size_t rows) const {
    return "FETCH " + std::to_string(rows) + " FROM " + name_;
  }
  RunOptions options() const {
    RunOptions options;
    options.timeout = timeout_;
    return options;
  }

  // Of the rows that came with DECLARE, at most so many.
  wire::Result take_ahead(std::size_t most) {
    auto const left = ahead_->rows() - given_;
    auto const count = most == 0 ? left : std::min(most, left);
    if (count == ahead_->rows()) return *std::exchange(ahead_, std::nullopt);
    auto part = wire::Result::empty_like(*ahead_);
    for (std::size_t row = 0; row < count; ++row) {
      for (std::size_t column = 0; column < ahead_->columns(); ++column) {
        if (part.put(static_cast<int>(row), static_cast<int>(column),
                     ahead_->value(given_ + row, column))) {
          continue;
        }
        throw Error(ErrorKind::environment, "out of memory while rows were copied");
      }
    }
    given_ += count;
    if (given_ == ahead_->rows()) ahead_.reset();
    return part;
  }

  // Rows of unknown width: the next FETCH asks for as many as make about kBytes.
  void take(wire::Result const& batch) {
    auto const rows = batch.rows();
    if (rows < asked_) {
      open_ = false;
      session_->transaction_->ride_if_sound("CLOSE " + name_);
      if (rows > 0) end_ = wire::Result::empty_like(batch);
      return;
    }
    wanted_ =
        std::clamp(kBytes / std::max<std::size_t>(batch.memory() / rows, 1), std::size_t{1}, kMost);
  }

  std::shared_ptr<Session> const session_;
  Duration const timeout_;
  std::string const name_ = new_name();
  bool open_ = false;
  std::size_t asked_ = 0;
  std::size_t wanted_ = kFirst;
  std::optional<wire::Result> ahead_;  // came with DECLARE
  std::size_t given_ = 0;              // of its rows
  std::optional<wire::Result> end_;    // still to be told
};

Operation<std::shared_ptr<Stream>> Session::stream(wire::Statement statement, RunOptions options) {
  auto const self = shared_from_this();
  if (transaction_) {
    auto cursor = std::make_shared<Cursor>(self, options.timeout);
    auto opening = cursor->open(std::move(statement));
    co_await std::move(opening);
    co_return cursor;
  }
  statement.ends_segment = true;
  wire::Request request;
  request.push_back(std::move(statement));
  mark(request, habits_);
  statement = std::move(request.front());
  auto const patience = Patience::of(options.timeout, habits_.timeout);
  auto stream = std::make_shared<Direct>(patience);
  stream->hold().shown_as(statement.sql, {});
  auto holding = hold(stream->hold(), options, false,
                      stream->start(statement, context_for(options.route)), patience.next());
  co_await std::move(holding);
  co_return stream;
}

}  // namespace moonpool::session
