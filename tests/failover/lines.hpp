#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "observe/hub.hpp"

namespace moonpool::test {

// The lines of the log from `info` on, "node.down: …", instead of stderr.
class Lines final : public observe::Observer {
 public:
  static std::shared_ptr<Lines> to(std::shared_ptr<observe::Hub>& hub) {
    auto lines = std::make_shared<Lines>();
    hub = std::make_shared<observe::Hub>();
    hub->add(lines, 0, observe::Level::info);
    return lines;
  }
  void see(observe::Activity const&) noexcept override {}
  void read(observe::Event const& line) noexcept override {
    std::lock_guard const lock(mutex_);
    lines_.push_back(std::string(line.name) + ": " + line.message);
  }
  std::vector<std::string> all() const {
    std::lock_guard const lock(mutex_);
    return lines_;
  }
  // How many begin so.
  auto count(std::string_view begin) const {
    auto const lines = all();
    return std::ranges::count_if(lines, [&](auto const& line) { return line.starts_with(begin); });
  }
  // Where the last one is that begins so; -1: nowhere.
  std::ptrdiff_t last(std::string_view begin) const {
    auto const lines = all();
    for (auto i = std::ssize(lines) - 1; i >= 0; --i) {
      if (lines[static_cast<std::size_t>(i)].starts_with(begin)) return i;
    }
    return -1;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

}  // namespace moonpool::test
