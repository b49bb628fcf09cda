#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace moonpool::dev {

// Fields as text; an empty optional is NULL.
using TextRow = std::vector<std::optional<std::string>>;
using TextRows = std::vector<TextRow>;

// A plain connection for looking after a server, apart from everything the engine does with
// connections: tests use it as an independent witness. One thread at a time.
class AdminConnection {
 public:
  // Throws Error(connection), or Error(timeout) at the deadline, also when the server is frozen.
  AdminConnection(std::string const& conninfo, Deadline deadline);
  ~AdminConnection();
  AdminConnection(AdminConnection&&) noexcept;
  AdminConnection& operator=(AdminConnection&&) noexcept;

  // Runs SQL outside of a transaction block. Throws Error(server) with PostgreSQL's fields,
  // Error(connection), or Error(timeout); after the latter two the connection is of no use.
  TextRows query(std::string const& sql, Deadline deadline);

  // The first field of the first row, empty when there is none or it is NULL.
  std::string value(std::string const& sql, Deadline deadline);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace moonpool::dev
