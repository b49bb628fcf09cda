// A folder of its own for a test, gone with it.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace moonpool::test {

class Scratch {
 public:
  Scratch() {
    std::string name = "/tmp/moonpool-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Scratch() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;

  std::filesystem::path const& path() const { return path_; }

  std::filesystem::path write(std::filesystem::path const& name, std::string const& text) const {
    auto const file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file;
  }

  std::filesystem::path program(std::filesystem::path const& name,
                                std::string const& script) const {
    auto const file = write(name, "#!/bin/sh\n" + script + "\n");
    ::chmod(file.c_str(), 0755);
    return file;
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(std::filesystem::path const& file) {
  std::ifstream in(file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A variable of the environment, put back at the end.
class Variable {
 public:
  Variable(std::string name, char const* value) : name_(std::move(name)) {
    if (auto const* before = std::getenv(name_.c_str())) {
      had_ = true;
      before_ = before;
    }
    set(value);
  }
  ~Variable() { set(had_ ? before_.c_str() : nullptr); }
  Variable(Variable const&) = delete;
  Variable& operator=(Variable const&) = delete;

 private:
  void set(char const* value) {
    if (value != nullptr) {
      ::setenv(name_.c_str(), value, 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }

  std::string name_;
  bool had_ = false;
  std::string before_;
};

}  // namespace moonpool::test
