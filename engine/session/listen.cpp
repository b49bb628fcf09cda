#include "session/listen.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "policy/random.hpp"
#include "session/session.hpp"

namespace moonpool::session {

using async::Interest;
using async::Operation;
using async::Wait;
using async::Wakeup;

namespace {

constexpr std::size_t kLongestName = 63;
constexpr std::chrono::milliseconds kLookAround{500};

std::string quoted(std::string const& name) {
  std::string out = "\"";
  for (char const c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

void check_channels(std::vector<std::string> const& channels) {
  if (channels.empty()) throw Error(ErrorKind::usage, "listen takes at least one channel");
  for (auto const& channel : channels) {
    auto const refuse = [&](std::string const& why) {
      auto message = "'" + channel + "' is no name of a channel: ";
      throw Error(ErrorKind::usage, message.append(why));
    };
    if (channel.empty()) refuse("it is empty");
    if (valid_text_prefix(channel) != channel.size()) refuse("it holds NUL or broken UTF-8");
    if (channel.size() > kLongestName) {
      refuse("it has " + std::to_string(channel.size()) + " bytes, PostgreSQL keeps 63");
    }
  }
}

std::string new_probe_channel() {
  static std::atomic<std::uint64_t> count{0};
  auto const random = static_cast<std::uint64_t>(policy::random_unit() * 1e15);
  return "moonpool_probe_" + std::to_string(random) + "_" + std::to_string(++count);
}

}  // namespace

Listener::Listener(std::shared_ptr<cluster::Cluster> cluster, std::vector<std::string> channels,
                   ListenOptions options, policy::RetryOptions retry)
    : cluster_(std::move(cluster)),
      channels_(std::move(channels)),
      options_(options),
      retry_(retry),
      probe_channel_(new_probe_channel()) {
  check_channels(channels_);
}

// The pool knows where the primary is; the connection itself is none of its own.
Operation<void> Listener::connect(Deadline deadline) {
  std::shared_ptr<cluster::Node> node;
  {
    auto placing = cluster_->place(cluster::Route::write, deadline);
    auto placement = co_await std::move(placing);
    node = placement.node;
  }
  auto opening = node->writes().open_apart(deadline);
  auto connection = co_await std::move(opening);
  wire::Request request;
  auto const add = [&request](std::string sql) {
    request.push_back({std::move(sql), {}, true, false});
  };
  for (auto const& channel : channels_) add("LISTEN " + quoted(channel));
  add("LISTEN " + quoted(probe_channel_));
  add("SELECT clock_timestamp()");
  auto running = connection->run(std::move(request), deadline);
  auto const replies = co_await std::move(running);
  for (auto const& reply : replies) {
    if (auto const* told = std::get_if<Error>(&reply)) {
      auto error = *told;
      throw error.on_node(node->name());
    }
  }
  where_ = std::move(node);
  node_ = where_->name();
  connection_ = std::move(connection);
  listening_.emplace(*connection_);
  heard_ = asked_ = Clock::now();
  echoed_ = true;
  auto const since =
      std::exchange(since_, std::string(*std::get<wire::Result>(replies.back()).value(0, 0)));
  if (started_) ready_.push_back({"", "", 0, true, since});
  started_ = true;
}

Operation<void> Listener::reconnect(Deadline deadline) {
  for (int attempt = 1;; ++attempt) {
    std::optional<Error> failure;
    try {
      auto connecting = connect(deadline);
      co_await std::move(connecting);
    } catch (Error const& error) {
      failure = error;
    }
    if (!failure) co_return;
    auto const kind = failure->kind();
    bool const hopeless = kind == ErrorKind::cluster_closed || kind == ErrorKind::cancelled ||
                          kind == ErrorKind::usage ||
                          (kind == ErrorKind::server && !failure->retryable());
    auto const pause = policy::retry_pause(attempt, policy::random_unit(), retry_);
    if (hopeless || deadline.left() <= pause) throw Error(*failure);
    auto sleeping = async::sleep_until(deadline.earlier_in(pause));
    auto const wakeup = co_await std::move(sleeping);
    if (wakeup == Wakeup::cancelled) throw Error(*failure);
  }
}

Operation<void> Listener::start(Deadline deadline) {
  auto connecting = reconnect(deadline);
  co_await std::move(connecting);
}

void Listener::lose() noexcept {
  listening_.reset();
  connection_.reset();
}

void Listener::close() noexcept {
  closed_ = true;
  lose();
}

std::optional<Note> Listener::take() {
  while (!arrived_.empty()) {
    auto note = std::move(arrived_.front());
    arrived_.pop_front();
    if (note.channel == probe_channel_) {
      echoed_ = true;
      continue;
    }
    ready_.push_back(
        {std::move(note.channel), std::move(note.payload), note.backend_pid, false, ""});
  }
  if (ready_.empty()) return std::nullopt;
  auto note = std::move(ready_.front());
  ready_.pop_front();
  return note;
}

// Whoever notifies does so on the primary, so a server that is none any more, alive or not, has nothing to say.
bool Listener::deposed() const {
  auto const topology = cluster_->topology();
  auto const here = where_->index();
  return topology->nodes[here].role == cluster::Role::replica ||
         (topology->primary && *topology->primary != here);
}

// Reads what is there. False when the connection is of no use any more.
bool Listener::sound() {
  bool const asked = listening_->probing();
  auto const before = arrived_.size();
  if (!listening_->collect(arrived_)) return false;
  auto const now = Clock::now();
  if (arrived_.size() > before) heard_ = now;
  if (asked && !listening_->probing()) {
    heard_ = now;
    since_ = listening_->heard();
  }
  // The note to ourselves may come behind the answer; one that does not come means that nobody listens here.
  if (listening_->probing() || !echoed_) {
    echoed_ = echoed_ || std::ranges::any_of(arrived_, [this](wire::Note const& note) {
                return note.channel == probe_channel_;
              });
    return now - asked_ < options_.probe_timeout;
  }
  if (deposed()) return false;
  if (now - heard_ < options_.probe_every) return true;
  asked_ = now;
  echoed_ = false;
  return listening_->probe(probe_channel_);
}

Operation<std::optional<Note>> Listener::next(Deadline deadline) {
  for (;;) {
    if (auto note = take()) co_return note;
    if (closed_) throw Error(ErrorKind::usage, "this listener was closed");
    if (!connection_) {
      auto connecting = reconnect(deadline);
      co_await std::move(connecting);
      continue;
    }
    if (!sound()) {
      lose();
      continue;
    }
    if (!arrived_.empty()) continue;
    if (deadline.passed()) co_return std::nullopt;
    auto due = listening_->probing() || !echoed_ ? asked_ + options_.probe_timeout
                                                 : heard_ + options_.probe_every;
    // Nothing on the connection tells of a promotion elsewhere.
    if (cluster_->has_choice()) due = std::min(due, Clock::now() + kLookAround);
    auto const interest = listening_->sending() ? Interest::read_write : Interest::read;
    auto const wakeup =
        co_await Wait{connection_->socket(), interest, deadline.earlier(Deadline(due))};
    if (wakeup == Wakeup::cancelled) {
      throw Error(ErrorKind::cancelled, "cancelled while waiting for a note")
          .at(Phase::wait, Outcome::not_sent);
    }
  }
}

Operation<std::shared_ptr<Listener>> Session::listen(std::vector<std::string> channels,
                                                     ListenOptions options) {
  auto const self = shared_from_this();
  if (transaction_) {
    throw Error(ErrorKind::usage, "listen has a connection of its own, outside any transaction")
        .hint("listen on the database's handle");
  }
  auto const deadline = deadline_in(options.timeout);
  auto listener = std::make_shared<Listener>(cluster_, std::move(channels), options, habits_.retry);
  auto starting = listener->start(deadline);
  co_await std::move(starting);
  co_return listener;
}

}  // namespace moonpool::session
