#include "dev/postmaster_file.hpp"

#include <charconv>
#include <deque>
#include <fstream>
#include <iterator>

namespace moonpool::dev {
namespace {

std::string_view take_line(std::string_view& text) {
  auto const end = text.find('\n');
  auto const line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

template <class Number>
Number number(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

PostmasterFile PostmasterFile::parse(std::string_view text) {
  // Lines: pid, data folder, start time, port, socket folder, TCP address, shared memory, status.
  PostmasterFile file;
  file.pid = number<pid_t>(take_line(text));
  take_line(text);
  take_line(text);
  file.port = number<int>(take_line(text));
  take_line(text);
  take_line(text);
  take_line(text);
  file.ready = take_line(text).starts_with("ready");
  return file;
}

PostmasterFile PostmasterFile::read(std::filesystem::path const& data) {
  std::ifstream in(data / "postmaster.pid", std::ios::binary);
  if (!in) return {};
  return parse(std::string(std::istreambuf_iterator<char>(in), {}));
}

std::string log_tail(std::filesystem::path const& log, int lines) {
  std::ifstream in(log, std::ios::binary);
  std::deque<std::string> last;
  for (std::string line; std::getline(in, line);) {
    last.push_back(std::move(line));
    if (last.size() > static_cast<std::size_t>(lines)) last.pop_front();
  }
  std::string text;
  for (auto const& line : last) text += "  " + line + "\n";
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace moonpool::dev
