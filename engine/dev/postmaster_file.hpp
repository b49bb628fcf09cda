#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace moonpool::dev {

// What a postmaster writes into DATA/postmaster.pid about itself.
struct PostmasterFile {
  pid_t pid = 0;  // 0: no file, or not written to its end yet
  int port = 0;
  bool ready = false;  // accepts connections, as a primary or as a hot standby

  static PostmasterFile parse(std::string_view text);
  static PostmasterFile read(std::filesystem::path const& data);
};

// The last lines of a server's log, each indented: what an error message shows.
std::string log_tail(std::filesystem::path const& log, int lines = 12);

}  // namespace moonpool::dev
