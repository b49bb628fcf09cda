#include "dev/admin.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <pqxx/pqxx>
#include <thread>

#include "base/error.hpp"

namespace moonpool::dev {
namespace {

// libpqxx waits for an answer without end. This cuts the socket at the deadline, which ends the
// wait.
class Watchdog {
 public:
  Watchdog(int socket, Deadline deadline)
      : thread_([this, socket, deadline] { watch(socket, deadline); }) {}
  ~Watchdog() {
    {
      std::lock_guard const lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  Watchdog(Watchdog const&) = delete;
  Watchdog& operator=(Watchdog const&) = delete;

  bool has_bitten() const { return bitten_; }

 private:
  void watch(int socket, Deadline deadline) {
    std::unique_lock lock(mutex_);
    auto const is_over = [this] { return over_; };
    if (deadline.is_never()) {
      changed_.wait(lock, is_over);
    } else if (!changed_.wait_until(lock, deadline.at(), is_over)) {
      bitten_ = true;
      ::shutdown(socket, SHUT_RDWR);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;  // guarded by mutex_
  std::atomic<bool> bitten_ = false;
  std::thread thread_;
};

Error translate(pqxx::sql_error const& failure) {
  ServerFields fields;
  fields.severity = "ERROR";
  fields.sqlstate = failure.sqlstate();
  fields.message = failure.what();
  while (fields.message.ends_with('\n')) fields.message.pop_back();
  return Error(std::move(fields));
}

std::string trimmed(char const* text) {
  std::string line = text;
  while (line.ends_with('\n')) line.pop_back();
  return line;
}

pqxx::connection connect(std::string const& conninfo, Deadline deadline) {
  try {
    pqxx::connecting attempt(conninfo);
    while (!attempt.done()) {
      auto const events = static_cast<short>((attempt.wait_to_read() ? POLLIN : 0) |
                                             (attempt.wait_to_write() ? POLLOUT : 0));
      pollfd polled{attempt.sock(), events, 0};
      auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count();
      auto const ready =
          ::poll(&polled, 1, static_cast<int>(std::clamp<long long>(left, 0, 60'000)));
      if (ready <= 0 && deadline.passed()) {
        throw Error(ErrorKind::timeout, "no connection in time to " + conninfo);
      }
      if (ready > 0) attempt.process();
    }
    return std::move(attempt).produce();
  } catch (pqxx::failure const& failure) {
    throw Error(ErrorKind::connection, trimmed(failure.what()));
  }
}

}  // namespace

struct AdminConnection::Inside {
  pqxx::connection connection;
};

AdminConnection::AdminConnection(std::string const& conninfo, Deadline deadline)
    : inside_(new Inside{connect(conninfo, deadline)}) {
  inside_->connection.set_verbosity(pqxx::error_verbosity::terse);
}

AdminConnection::~AdminConnection() = default;
AdminConnection::AdminConnection(AdminConnection&&) noexcept = default;
AdminConnection& AdminConnection::operator=(AdminConnection&&) noexcept = default;

TextRows AdminConnection::query(std::string const& sql, Deadline deadline) {
  auto& connection = inside_->connection;
  Watchdog const watchdog(connection.sock(), deadline);
  try {
    pqxx::nontransaction work(connection);
    TextRows rows;
    for (auto const& row : work.exec(sql)) {
      TextRow texts;
      for (auto const& field : row) {
        texts.push_back(field.is_null() ? std::nullopt : std::optional<std::string>(field.c_str()));
      }
      rows.push_back(std::move(texts));
    }
    return rows;
  } catch (pqxx::sql_error const& failure) {
    throw translate(failure).in_query(sql);
  } catch (std::exception const& failure) {
    if (watchdog.has_bitten()) {
      throw Error(ErrorKind::timeout, "no answer in time from the server").in_query(sql);
    }
    throw Error(ErrorKind::connection, trimmed(failure.what())).in_query(sql);
  }
}

std::string AdminConnection::value(std::string const& sql, Deadline deadline) {
  auto const rows = query(sql, deadline);
  return rows.empty() || rows.front().empty() ? "" : rows.front().front().value_or("");
}

}  // namespace moonpool::dev
