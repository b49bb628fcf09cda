#include "base/error.hpp"
#include "dev/quote.hpp"
#include "dev/server.hpp"
#include "dev/spawn.hpp"

namespace moonpool::dev {

std::string Server::admin_conninfo(std::string_view database) const {
  // Whatever PG* variables say, this connection is a plain one.
  return conninfo(database) +
         " application_name=moonpool-dev options='' target_session_attrs=any sslmode=disable"
         " gssencmode=disable channel_binding=disable client_encoding=UTF8";
}

AdminConnection Server::connect(std::string_view database) const {
  return AdminConnection(admin_conninfo(database), deadline());
}

TextRows Server::query(std::string const& sql, std::string_view database) const {
  auto const until = deadline();
  return AdminConnection(admin_conninfo(database), until).query(sql, until);
}

std::string Server::value(std::string const& sql, std::string_view database) const {
  auto const until = deadline();
  return AdminConnection(admin_conninfo(database), until).value(sql, until);
}

void Server::set(std::string_view setting, std::string_view value) {
  query("ALTER SYSTEM SET " + quote_identifier(setting) + " = " + quote_for_settings(value),
        "postgres");
  reload();
}

void Server::unset(std::string_view setting) {
  query("ALTER SYSTEM RESET " + quote_identifier(setting), "postgres");
  reload();
}

void Server::reload() { query("SELECT pg_reload_conf()", "postgres"); }

void Server::configure(Settings const& settings) { append_settings(data(), settings); }

void Server::append_settings(std::filesystem::path const& data, Settings const& settings) const {
  std::string text;
  for (auto const& [setting, value] : settings) {
    text += setting + " = " + quote_for_settings(value) + "\n";
  }
  append_to(data / "postgresql.conf", text);
}

// Written by the servers' own account: root follows no links in a folder that is somebody else's.
void Server::append_to(std::filesystem::path const& file, std::string const& text) const {
  SpawnRequest request;
  request.program = "/bin/sh";
  request.arguments = {"-c", "cat >>\"$1\"", "sh", file.string()};
  request.account = &ground_->account;
  auto const finished = run(std::move(request), text, deadline());
  if (finished.exit_code != 0) {
    throw Error(ErrorKind::environment, "cannot write " + file.string() + ": " + finished.output);
  }
}

}  // namespace moonpool::dev
