#include "dev/account.hpp"

#include <pwd.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "base/error.hpp"

namespace moonpool::dev {
namespace {

template <class Lookup>
std::optional<Account> look_up(Lookup lookup) {
  std::vector<char> space(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (lookup(&entry, space.data(), space.size(), &found) != 0 || found == nullptr) return {};
  return Account{entry.pw_uid, entry.pw_gid, entry.pw_name};
}

std::optional<Account> by_name(char const* name) {
  return look_up([name](passwd* entry, char* space, std::size_t size, passwd** found) {
    return ::getpwnam_r(name, entry, space, size, found);
  });
}

}  // namespace

bool Account::is_self() const { return uid == ::geteuid(); }

Account server_account() {
  auto const self = ::geteuid();
  if (self != 0) {
    auto known = look_up([self](passwd* entry, char* space, std::size_t size, passwd** found) {
      return ::getpwuid_r(self, entry, space, size, found);
    });
    // A container may run under a number that no passwd entry names; servers do not mind.
    return known ? *known : Account{self, ::getegid(), std::to_string(self)};
  }
  for (auto const* name : {"postgres", "nobody"}) {
    if (auto account = by_name(name); account && account->uid != 0) return *account;
  }
  throw Error(ErrorKind::environment,
              "PostgreSQL refuses to run as root, and this machine has neither a user 'postgres' "
              "nor 'nobody' to run it as")
      .hint("Make one (useradd --system postgres), or run moonpool as an ordinary user.");
}

}  // namespace moonpool::dev
