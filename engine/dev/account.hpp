#pragma once

#include <sys/types.h>

#include <string>

namespace moonpool::dev {

// A user of this machine, as far as starting servers needs one.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;

  // Is it the user this process runs as already?
  bool is_self() const;
};

// The user that servers run as: the present one, and for root, whom PostgreSQL refuses, `postgres`,
// or `nobody` where there is no `postgres`. Throws Error(environment) when neither exists.
Account server_account();

}  // namespace moonpool::dev
