#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moonpool::test {

// From whom a message comes.
enum class Side : std::uint8_t { frontend, backend };

// Types of the messages that have no type byte on the wire. The others are named by theirs: 'Q', 'Z', …
constexpr char kStartup = '^';
constexpr char kCancelRequest = '!';
constexpr char kEncryptionRequest = '~';
constexpr char kEncryptionAnswer = '=';

struct Message {
  char type = 0;
  std::uint64_t offset = 0;  // of its first byte in what this side has sent on this connection
  std::string bytes;         // all of it, as it goes over the wire
  std::string text;          // what a rule can look for: statement, name, tag, SQLSTATE
};

// Cuts one side's bytes into PostgreSQL's messages.
class Framer {
 public:
  explicit Framer(Side side) : side_(side) {}

  void feed(std::string_view bytes) { pending_.append(bytes); }
  // The next whole message, in order.
  std::optional<Message> next();
  // The other side asked for encryption: one byte answers.
  void expect_encryption_answer() { encryption_answer_ = true; }
  // What came of a message that is not whole. Taken out.
  std::string take_rest();

 private:
  Side side_;
  std::string pending_;
  std::uint64_t offset_ = 0;
  bool started_ = false;  // frontend: the start-up packet has come, types follow
  bool encryption_answer_ = false;
};

// Messages that tests inject.
std::string notice_message(std::string_view text);
std::string error_message(std::string_view severity, std::string_view sqlstate,
                          std::string_view text);
std::string parameter_status(std::string_view name, std::string_view value);
std::string notification(int pid, std::string_view channel, std::string_view payload);

// "B:D" style name of a message for logs: "frontend Parse", "backend ReadyForQuery".
std::string message_name(Side side, char type);

}  // namespace moonpool::test
