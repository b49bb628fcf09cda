#include "wire/conninfo.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "wire/pq.hpp"

namespace moonpool::wire {
namespace {

bool is_secret(std::string_view keyword) {
  return keyword == "password" || keyword == "sslpassword";
}

std::vector<std::string> cut(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    auto const comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

Conninfo Conninfo::parse(std::string const& text) {
  std::string problem;
  auto const options = pq::parse_conninfo(text, problem);
  if (!options) {
    // libpq quotes what it could not read; which option is missing its "=" is safe to tell only when
    // the text holds nothing secret, and that cannot be known of text that cannot be read.
    bool const uri = text.starts_with("postgres://") || text.starts_with("postgresql://");
    throw Error(ErrorKind::config, std::string("the connection string cannot be read as a ") +
                                       (uri ? "postgresql:// URI" : "list of keyword=value pairs"))
        .hint(
            uri ? "write postgresql://user:password@host:port/database?option=value, with special "
                  "characters percent-encoded"
                : "write host=… port=… dbname=… user=…, with values that hold spaces in single "
                  "quotes; or a postgresql:// URI");
  }
  Conninfo info;
  for (auto const& option : *options) {
    info.settings_.push_back(
        {option.keyword, option.value, option.secret || is_secret(option.keyword)});
  }
  return info;
}

Conninfo::Setting const* Conninfo::find(std::string_view keyword) const {
  auto const found = std::ranges::find(settings_, keyword, &Setting::keyword);
  return found == settings_.end() ? nullptr : &*found;
}

bool Conninfo::has(std::string_view keyword) const { return find(keyword) != nullptr; }

std::string Conninfo::get(std::string_view keyword) const {
  if (is_secret(keyword)) return "";
  if (auto const* setting = find(keyword)) return setting->value;
  for (auto const& option : pq::default_options()) {
    if (option.keyword == keyword) return option.value;
  }
  return "";
}

Conninfo& Conninfo::set(std::string_view keyword, std::string value) {
  auto const found = std::ranges::find(settings_, keyword, &Setting::keyword);
  if (found != settings_.end()) {
    found->value = std::move(value);
  } else {
    settings_.push_back({std::string(keyword), std::move(value), is_secret(keyword)});
  }
  return *this;
}

Conninfo& Conninfo::set_default(std::string_view keyword, std::string value) {
  return has(keyword) ? *this : set(keyword, std::move(value));
}

std::vector<Conninfo> Conninfo::each_host() const {
  auto const hosts = cut(get("host"));
  auto const addresses = cut(get("hostaddr"));
  auto const ports = cut(get("port"));
  auto const count = std::max(hosts.size(), addresses.size());
  if (count <= 1) return {*this};
  std::vector<Conninfo> out;
  for (std::size_t i = 0; i < count; ++i) {
    Conninfo one = *this;
    if (i < hosts.size()) one.set("host", hosts[i]);
    std::erase_if(one.settings_, [](Setting const& s) { return s.keyword == "hostaddr"; });
    if (i < addresses.size() && !addresses[i].empty()) one.set("hostaddr", addresses[i]);
    // One port serves all hosts.
    if (!ports.empty())
      one.set("port", ports.size() == 1 ? ports[0] : ports[std::min(i, ports.size() - 1)]);
    out.push_back(std::move(one));
  }
  return out;
}

std::string Conninfo::address() const {
  auto host = get("host");
  if (host.empty()) host = get("hostaddr");
  if (host.empty()) host = "local";
  return host + ":" + get("port");
}

std::string Conninfo::display() const {
  auto database = get("dbname");
  auto const user = get("user");
  if (database.empty()) database = user;
  return (user.empty() ? "" : user + "@") + address() + "/" + database;
}

Secret Conninfo::reveal() const {
  std::string text;
  for (auto const& setting : settings_) {
    if (!text.empty()) text += ' ';
    text += setting.keyword + "='";
    for (char c : setting.value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    text += '\'';
  }
  return Secret(std::move(text));
}

Redactor Conninfo::redactor() const {
  Redactor redactor;
  for (auto const& setting : settings_) {
    if (setting.secret) redactor.add(setting.value);
  }
  for (auto const& option : pq::default_options()) {
    if (option.secret || is_secret(option.keyword)) redactor.add(option.value);
  }
  return redactor;
}

}  // namespace moonpool::wire
