#include "proxy/proxy.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace moonpool::test {
namespace {

sockaddr_un address_of(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw std::runtime_error("too long for a socket: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

int new_socket(int flags = 0) {
  int const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
  return fd;
}

int connect_to(std::string const& path) {
  int const fd = new_socket();
  auto const address = address_of(path);
  if (connect(fd, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

std::string new_folder() {
  std::string path = "/tmp/chaos-XXXXXX";
  if (mkdtemp(path.data()) == nullptr)
    throw std::runtime_error("mkdtemp: " + std::string(std::strerror(errno)));
  chmod(path.c_str(), 0755);
  return path;
}

}  // namespace

Proxy::Proxy(std::string server) : server_(std::move(server)), folder_(new_folder()) {
  listen();
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  {
    std::lock_guard const lock(mutex_);
    stop_ = true;
  }
  wake();
  thread_.join();
  stop_listening();
  for (int fd : hanging_) close(fd);
  rmdir(folder_.c_str());
}

std::string Proxy::conninfo() const {
  return "host=" + folder_ + " port=" + std::to_string(port());
}

void Proxy::listen() {
  auto const path = folder_ + "/.s.PGSQL." + std::to_string(port());
  unlink(path.c_str());
  listener_ = new_socket(SOCK_NONBLOCK);
  auto const address = address_of(path);
  if (bind(listener_, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 128) != 0) {
    throw std::runtime_error("cannot listen on " + path + ": " + std::strerror(errno));
  }
  chmod(path.c_str(), 0777);
}

void Proxy::stop_listening() {
  if (listener_ < 0) return;
  close(listener_);
  listener_ = -1;
  unlink((folder_ + "/.s.PGSQL." + std::to_string(port())).c_str());
}

int Proxy::add(Rule rule) {
  std::lock_guard const lock(mutex_);
  rules_.push_back({++numbers_, std::move(rule), 0, 0});
  return numbers_;
}

void Proxy::cut(OffsetCut cut) {
  std::lock_guard const lock(mutex_);
  cuts_.push_back(cut);
}

void Proxy::release(int rule) {
  {
    std::lock_guard const lock(mutex_);
    for (auto& link : links_) link->release(rule);
    std::erase_if(rules_, [rule](Standing const& standing) { return standing.number == rule; });
  }
  wake();
}

void Proxy::clear() {
  {
    std::lock_guard const lock(mutex_);
    for (auto const& standing : rules_) {
      for (auto& link : links_) link->release(standing.number);
    }
    rules_.clear();
    cuts_.clear();
  }
  wake();
}

int Proxy::hits(int rule) const {
  std::lock_guard const lock(mutex_);
  auto const found = std::ranges::find(rules_, rule, &Standing::number);
  return found == rules_.end() ? 0 : found->hits;
}

bool Proxy::wait_for_hits(int rule, int count, Duration limit) const {
  auto const deadline = Deadline::in(limit);
  while (hits(rule) < count) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void Proxy::door(Door door) {
  std::lock_guard const lock(mutex_);
  if (door == Door::refuse) stop_listening();
  if (door != Door::refuse && listener_ < 0) listen();
  if (door != Door::hang) {
    for (int fd : hanging_) close(fd);
    hanging_.clear();
  }
  door_ = door;
  wake();
}

void Proxy::patience(Duration duration) {
  std::lock_guard const lock(mutex_);
  patience_ = duration;
  wake();
}

void Proxy::slice(bool on) {
  std::lock_guard const lock(mutex_);
  slice_ = on;
  wake();
}

int Proxy::round_trips() const {
  std::lock_guard const lock(mutex_);
  int turns = turns_of_the_gone_;
  for (auto const& link : links_) turns += link->turns();
  return turns;
}

void Proxy::reset_round_trips() {
  std::lock_guard const lock(mutex_);
  turns_of_the_gone_ = 0;
  for (auto& link : links_) link->reset_turns();
}

int Proxy::live() const {
  std::lock_guard const lock(mutex_);
  return static_cast<int>(
      std::ranges::count_if(links_, [](auto const& link) { return !link->cancels(); }));
}

int Proxy::accepted() const {
  std::lock_guard const lock(mutex_);
  return accepted_;
}

void Proxy::cut_all() {
  std::lock_guard const lock(mutex_);
  for (auto& link : links_) link->close();
  wake();
}

std::vector<Event> Proxy::log() const {
  std::lock_guard const lock(mutex_);
  return log_;
}

void Proxy::clear_log() {
  std::lock_guard const lock(mutex_);
  log_.clear();
}

Verdict Proxy::judge(Link& link, Side side, Message const& message) {
  if (message.offset == 0 && side == Side::frontend && !link.cancels()) {
    for (auto& cut : cuts_) {
      if (--cut.connection == 0) link.cut_when(cut.side, cut.bytes);
    }
  }
  Event event{Clock::now(),   link.number(),        side,        message.type,
              message.offset, message.bytes.size(), message.text};
  Verdict verdict;
  for (auto& standing : rules_) {
    auto const& rule = standing.rule;
    if (rule.side != side || (rule.type != 0 && rule.type != message.type) ||
        message.text.find(rule.text) == std::string::npos) {
      continue;
    }
    ++standing.seen;
    if (rule.nth != 0 && standing.seen != rule.nth) continue;
    ++standing.hits;
    verdict = {standing.number, rule.act, rule.byte, rule.duration, rule.payload};
    break;
  }
  event.rule = verdict.rule;
  event.act = verdict.act;
  log_.push_back(std::move(event));
  return verdict;
}

void Proxy::accept_all() {
  for (;;) {
    int const client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    ++accepted_;
    if (door_ == Door::hang) {
      hanging_.push_back(client);
      continue;
    }
    int const server = door_ == Door::slam ? -1 : connect_to(server_);
    if (server < 0) {
      close(client);
      continue;
    }
    links_.push_back(std::make_unique<Link>(accepted_, client, server));
  }
}

void Proxy::run() {
  auto const judge = judge_function();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    std::vector<pollfd> watched = {{signal_.fd(), POLLIN, 0}, {listener_, POLLIN, 0}};
    std::vector<Link*> links;
    Deadline deadline;
    for (auto& link : links_) {
      for (auto side : {Side::frontend, Side::backend}) {
        auto const other = side == Side::frontend ? Side::backend : Side::frontend;
        unsigned const events =
            (link->wants_read(side) ? POLLIN : 0U) | (link->wants_write(other) ? POLLOUT : 0U);
        watched.push_back({events != 0 ? link->fd(side) : -1, static_cast<short>(events), 0});
      }
      links.push_back(link.get());
      if (auto const due = link->due(patience_)) deadline = deadline.earlier(Deadline(*due));
    }
    int timeout = -1;
    if (!deadline.is_never()) {
      timeout =
          static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count());
    }
    lock.unlock();
    poll(watched.data(), watched.size(), timeout);
    lock.lock();
    signal_.clear();
    for (std::size_t i = 0; i < links.size(); ++i) {
      for (std::size_t k = 0; k < 2; ++k) {
        auto const side = k == 0 ? Side::frontend : Side::backend;
        auto const heard = watched[2 + 2 * i + k].revents & (POLLIN | POLLHUP | POLLERR);
        if (heard != 0 && links[i]->wants_read(side)) links[i]->read(side);
      }
      links[i]->pump(judge, Clock::now(), patience_, slice_);
    }
    for (auto& link : links_) {
      if (link->over() && !link->cancels()) turns_of_the_gone_ += link->turns();
    }
    std::erase_if(links_, [](auto const& link) { return link->over(); });
    if (listener_ >= 0 && (watched[1].revents & POLLIN) != 0) accept_all();
  }
  links_.clear();
}

std::string to_string(Event const& event) {
  static constexpr char const* kActs[] = {"",           "delay",     "hold",    "cut_before",
                                          "cut_after",  "cut_at",    "swallow", "duplicate",
                                          "put_before", "put_after", "replace", "blackhole"};
  auto line = "#" + std::to_string(event.connection) + " " + message_name(event.side, event.type) +
              " @" + std::to_string(event.offset) + "+" + std::to_string(event.size);
  if (!event.text.empty()) line += " " + event.text.substr(0, 60);
  if (event.rule != 0)
    line += "  <- rule " + std::to_string(event.rule) + " " + kActs[static_cast<int>(event.act)];
  return line;
}

std::string to_string(std::vector<Event> const& events) {
  std::string text;
  for (auto const& event : events) text += to_string(event) + "\n";
  return text;
}

}  // namespace moonpool::test
