#include "proxy/protocol.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace moonpool::test {
namespace {

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::string number(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}

std::string framed(char type, std::string const& body) {
  return type + number(static_cast<std::uint32_t>(body.size() + 4)) + body;
}

std::string_view text_at(std::string_view body, std::size_t at) {
  if (at >= body.size()) return {};
  return body.substr(at, body.substr(at).find('\0'));
}

// ErrorResponse and NoticeResponse: fields of a code and a text.
std::string field(std::string_view body, char code) {
  for (std::size_t at = 0; at < body.size() && body[at] != '\0';) {
    auto const value = text_at(body, at + 1);
    if (body[at] == code) return std::string(value);
    at += value.size() + 2;
  }
  return "";
}

// The part of a message that people know it by.
std::string text_of(Side side, char type, std::string_view body) {
  auto const first = text_at(body, 0);
  auto const second = text_at(body, first.size() + 1);
  if (side == Side::frontend) {
    if (type == 'Q') return std::string(first);
    if (type == 'P') return std::string(second);  // after the statement's name
    if (type == 'B') return std::string(second);  // the statement's name, after the portal's
    return "";
  }
  switch (type) {
    case 'E':
    case 'N':
      return field(body, 'C') + " " + field(body, 'M');
    case 'C':
      return std::string(first);
    case 'S':
      return std::string(first) + "=" + std::string(second);
    case 'Z':
      return std::string(body.substr(0, 1));
    default:
      return "";
  }
}

}  // namespace

std::optional<Message> Framer::next() {
  Message message;
  std::size_t size = 0;
  std::size_t head = 5;
  if (encryption_answer_ && !pending_.empty()) {
    encryption_answer_ = false;
    message.type = kEncryptionAnswer;
    size = head = 1;
  } else if (side_ == Side::frontend && !started_) {
    if (pending_.size() < 8) return std::nullopt;
    size = number_at(pending_, 0);
    head = 8;
    switch (number_at(pending_, 4)) {
      case 80877102:
        message.type = kCancelRequest;
        break;
      case 80877103:
      case 80877104:
        message.type = kEncryptionRequest;
        break;
      default:
        message.type = kStartup;
    }
  } else {
    if (pending_.size() < 5) return std::nullopt;
    message.type = pending_[0];
    size = std::size_t{1} + number_at(pending_, 1);
  }
  if (pending_.size() < size) return std::nullopt;
  if (message.type == kStartup) started_ = true;
  message.bytes = pending_.substr(0, size);
  message.offset = offset_;
  message.text =
      text_of(side_, message.type, std::string_view(message.bytes).substr(std::min(head, size)));
  pending_.erase(0, size);
  offset_ += size;
  return message;
}

std::string Framer::take_rest() { return std::exchange(pending_, {}); }

std::string notice_message(std::string_view text) {
  std::string body;
  for (auto const& [code, value] :
       {std::pair{'S', std::string_view("NOTICE")}, {'V', "NOTICE"}, {'C', "00000"}, {'M', text}}) {
    body.append(1, code).append(value).append(1, '\0');
  }
  return framed('N', body + '\0');
}

std::string error_message(std::string_view severity, std::string_view sqlstate,
                          std::string_view text) {
  std::string body;
  for (auto const& [code, value] : {std::pair{'S', severity},
                                    {'V', severity},
                                    {'C', sqlstate},
                                    {'M', text},
                                    {'R', std::string_view("made_up")}}) {
    body.append(1, code).append(value).append(1, '\0');
  }
  return framed('E', body + '\0');
}

std::string parameter_status(std::string_view name, std::string_view value) {
  std::string body(name);
  body.append(1, '\0').append(value).append(1, '\0');
  return framed('S', body);
}

std::string notification(int pid, std::string_view channel, std::string_view payload) {
  auto body = number(static_cast<std::uint32_t>(pid));
  body.append(channel).append(1, '\0').append(payload).append(1, '\0');
  return framed('A', body);
}

std::string message_name(Side side, char type) {
  struct Name {
    char type;
    char const* name;
  };
  static constexpr std::array<Name, 17> kFrontend = {{{kStartup, "Startup"},
                                                      {kCancelRequest, "CancelRequest"},
                                                      {kEncryptionRequest, "EncryptionRequest"},
                                                      {'Q', "Query"},
                                                      {'P', "Parse"},
                                                      {'B', "Bind"},
                                                      {'E', "Execute"},
                                                      {'S', "Sync"},
                                                      {'D', "Describe"},
                                                      {'C', "Close"},
                                                      {'H', "Flush"},
                                                      {'X', "Terminate"},
                                                      {'d', "CopyData"},
                                                      {'c', "CopyDone"},
                                                      {'f', "CopyFail"},
                                                      {'p', "Password"},
                                                      {'F', "FunctionCall"}}};
  static constexpr std::array<Name, 22> kBackend = {
      {{'R', "Authentication"},       {'S', "ParameterStatus"}, {'K', "BackendKeyData"},
       {'Z', "ReadyForQuery"},        {'T', "RowDescription"},  {'D', "DataRow"},
       {'C', "CommandComplete"},      {'E', "ErrorResponse"},   {'N', "NoticeResponse"},
       {'A', "NotificationResponse"}, {'G', "CopyInResponse"},  {'H', "CopyOutResponse"},
       {'W', "CopyBothResponse"},     {'d', "CopyData"},        {'c', "CopyDone"},
       {'I', "EmptyQueryResponse"},   {'1', "ParseComplete"},   {'2', "BindComplete"},
       {'3', "CloseComplete"},        {'n', "NoData"},          {'t', "ParameterDescription"},
       {'s', "PortalSuspended"}}};
  auto look_up = [type](auto const& names) {
    auto const found = std::ranges::find(names, type, &Name::type);
    return found == names.end() ? std::string("'") + type + "'" : std::string(found->name);
  };
  return side == Side::frontend ? "frontend " + look_up(kFrontend) : "backend " + look_up(kBackend);
}

}  // namespace moonpool::test
