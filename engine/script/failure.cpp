#include "base/error.hpp"
#include "script/lua.hpp"

namespace moonpool::script {
namespace {

char const kTracebackKey = 0;

// Fields are read raw: what a script raised must not run code of its own here.
std::string field(lua_State* lua, int table, char const* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, table);
  std::string text;
  if (lua_type(lua, -1) == LUA_TSTRING) text = lua_tostring(lua, -1);
  lua_pop(lua, 1);
  return text;
}

int number_field(lua_State* lua, int table, char const* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, table);
  auto const number = static_cast<int>(lua_tointeger(lua, -1));
  lua_pop(lua, 1);
  return number;
}

ErrorKind kind_named(std::string const& name) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    auto const kind = static_cast<ErrorKind>(i);
    if (to_string(kind) == name) return kind;
  }
  return ErrorKind::script;
}

template <class T>
T named(std::string const& name, std::initializer_list<T> all, T otherwise) {
  for (auto value : all) {
    if (to_string(value) == name) return value;
  }
  return otherwise;
}

Error server_error(lua_State* lua, int table) {
  ServerFields fields;
  fields.severity = field(lua, table, "severity");
  fields.sqlstate = field(lua, table, "sqlstate");
  fields.message = field(lua, table, "message");
  fields.detail = field(lua, table, "detail");
  fields.hint = field(lua, table, "hint");
  fields.context = field(lua, table, "context");
  fields.schema = field(lua, table, "schema");
  fields.table = field(lua, table, "table");
  fields.column = field(lua, table, "column");
  fields.data_type = field(lua, table, "data_type");
  fields.constraint = field(lua, table, "constraint");
  fields.internal_query = field(lua, table, "internal_query");
  fields.position = number_field(lua, table, "position");
  fields.internal_position = number_field(lua, table, "internal_position");
  return Error(std::move(fields));
}

Error client_error(lua_State* lua, int table, ErrorKind kind) {
  auto const where = field(lua, table, "where");
  auto const message = field(lua, table, "message");
  Error error(kind, where.empty() ? message : where + ": " + message);
  if (auto hint = field(lua, table, "hint"); !hint.empty()) error.hint(std::move(hint));
  return error;
}

// An error object of lua/moonpool/core says its family, its kind and its message.
bool is_error_object(lua_State* lua, int table) {
  return lua_istable(lua, table) && !field(lua, table, "family").empty() &&
         !field(lua, table, "message").empty();
}

Error error_object(lua_State* lua, int table);

// Earlier attempts of the same call.
std::vector<Error> causes_of(lua_State* lua, int table) {
  std::vector<Error> causes;
  lua_pushliteral(lua, "causes");
  lua_rawget(lua, table);
  int const list = lua_gettop(lua);
  auto const count =
      lua_istable(lua, list) && lua_checkstack(lua, 8) != 0 ? lua_objlen(lua, list) : 0;
  for (std::size_t i = 1; i <= count; ++i) {
    lua_rawgeti(lua, list, static_cast<int>(i));
    // Those of a cause are not followed: what a script made up could hold itself.
    if (is_error_object(lua, list + 1)) causes.push_back(error_object(lua, list + 1));
    lua_pop(lua, 1);
  }
  lua_pop(lua, 1);
  return causes;
}

Error error_object(lua_State* lua, int table) {
  auto const kind = kind_named(field(lua, table, "family"));
  auto error =
      kind == ErrorKind::server ? server_error(lua, table) : client_error(lua, table, kind);
  error.at(named(field(lua, table, "phase"),
                 {Phase::prepare, Phase::acquire, Phase::connect, Phase::send, Phase::wait,
                  Phase::commit},
                 Phase::prepare),
           named(field(lua, table, "outcome"),
                 {Outcome::not_sent, Outcome::rejected, Outcome::unknown, Outcome::committed_local},
                 Outcome::unknown));
  if (auto query = field(lua, table, "query"); !query.empty()) error.in_query(std::move(query));
  if (auto node = field(lua, table, "node"); !node.empty()) error.on_node(std::move(node));
  if (int const attempt = number_field(lua, table, "attempt"); attempt > 1) error.attempt(attempt);
  return error;
}

Error error_with_causes(lua_State* lua, int table) {
  auto error = error_object(lua, table);
  if (auto causes = causes_of(lua, table); !causes.empty()) error.because(std::move(causes));
  return error;
}

int call_tostring(lua_State* lua) {
  lua_getglobal(lua, "tostring");
  lua_insert(lua, 1);
  lua_call(lua, 1, 1);
  return 1;
}

std::string readable(lua_State* lua, int index) {
  lua_pushcfunction(lua, call_tostring);
  lua_pushvalue(lua, index);
  std::string text = std::string("an error that is a ") + luaL_typename(lua, index);
  if (lua_pcall(lua, 1, 1, 0) == 0 && lua_type(lua, -1) == LUA_TSTRING)
    text = lua_tostring(lua, -1);
  lua_pop(lua, 1);
  return text;
}

}  // namespace

int keep_traceback(lua_State* lua) {
  luaL_traceback(lua, lua, nullptr, 1);
  lua_pushlightuserdata(lua, const_cast<char*>(&kTracebackKey));
  lua_insert(lua, -2);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  return 1;
}

std::string take_traceback(lua_State* lua) {
  lua_pushlightuserdata(lua, const_cast<char*>(&kTracebackKey));
  lua_rawget(lua, LUA_REGISTRYINDEX);
  std::string text;
  if (lua_type(lua, -1) == LUA_TSTRING) text = lua_tostring(lua, -1);
  lua_pop(lua, 1);
  // The key is there already, so this stores without allocating.
  if (!text.empty()) {
    lua_pushlightuserdata(lua, const_cast<char*>(&kTracebackKey));
    lua_pushnil(lua);
    lua_rawset(lua, LUA_REGISTRYINDEX);
  }
  return text;
}

void throw_error(lua_State* lua) {
  int const index = lua_gettop(lua);
  auto error = is_error_object(lua, index) ? error_with_causes(lua, index)
                                           : Error(ErrorKind::script, readable(lua, index));
  lua_settop(lua, index - 1);
  throw error;
}

}  // namespace moonpool::script
