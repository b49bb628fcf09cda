#include "wire/resolve.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <vector>

#include "base/error.hpp"
#include "wire/beside.hpp"

namespace moonpool::wire {
namespace {

struct LookUp {
  std::string host;
  std::vector<std::string> addresses;
  std::string problem;

  void run() {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    int const status = getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (status != 0) {
      problem = gai_strerror(status);
      return;
    }
    std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> const owned(found, &freeaddrinfo);
    for (auto const* entry = found; entry != nullptr; entry = entry->ai_next) {
      char text[NI_MAXHOST];
      if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) == 0) {
        addresses.emplace_back(text);
      }
    }
  }
};

bool needs_look_up(Conninfo const& info) {
  auto const host = info.get("host");
  if (host.empty() || host.front() == '/' || host.front() == '@') return false;
  if (!info.get("hostaddr").empty() || host.find(',') != std::string::npos) return false;
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), address) != 1 &&
         inet_pton(AF_INET6, host.c_str(), address) != 1;
}

std::string repeated(std::string const& text, std::size_t times) {
  std::string list = text;
  for (std::size_t i = 1; i < times; ++i) list += "," + text;
  return list;
}

}  // namespace

async::Operation<Conninfo> resolve_host(Conninfo info, Deadline deadline) {
  if (!needs_look_up(info)) co_return info;
  auto look_up = std::make_shared<LookUp>();
  look_up->host = info.get("host");
  std::function<void()> work = [look_up] { look_up->run(); };
  auto running = run_beside(std::move(work), deadline);
  bool const done = co_await std::move(running);
  if (!done) {
    throw Error(ErrorKind::timeout,
                "the name '" + info.get("host") + "' was not resolved within the deadline")
        .at(Phase::connect, Outcome::not_sent);
  }
  if (look_up->addresses.empty()) {
    throw Error(ErrorKind::connection,
                "the host name '" + look_up->host + "' cannot be resolved: " + look_up->problem)
        .at(Phase::connect, Outcome::not_sent);
  }
  // libpq tries a list of addresses in order; the lists of names and ports must be as long. The name
  // stays, because certificates are checked against it.
  auto const port = info.get("port");
  std::string addresses;
  for (auto const& address : look_up->addresses) {
    addresses += (addresses.empty() ? "" : ",") + address;
  }
  info.set("host", repeated(look_up->host, look_up->addresses.size()));
  info.set("hostaddr", addresses);
  if (!port.empty()) info.set("port", repeated(port, look_up->addresses.size()));
  co_return info;
}

}  // namespace moonpool::wire
