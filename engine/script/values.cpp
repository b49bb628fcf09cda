#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "script/lua.hpp"

namespace moonpool::script {
namespace {

constexpr int kDeepest = 100;
constexpr std::int64_t kExact = std::int64_t{1} << 53;  // up to here every double is exact
constexpr int kCdata = 10;  // LuaJIT's own type, which lua.h does not name

void push_whole(lua_State* lua, std::int64_t whole) {
  if (whole >= -kExact && whole <= kExact) {
    lua_pushnumber(lua, static_cast<lua_Number>(whole));
    return;
  }
  // As int8 columns do: a number would lose digits.
  std::array<char, 24> digits{};
  auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), whole).ptr;
  lua_pushlstring(lua, digits.data(), static_cast<std::size_t>(end - digits.data()));
}

bool is_index(double key, std::size_t length) {
  return key >= 1 && key <= static_cast<double>(length) && std::trunc(key) == key;
}

// Lua has one type of number; what is whole and exact is an integer outside.
Value number(double given) {
  bool const whole = std::trunc(given) == given && std::abs(given) <= static_cast<double>(kExact);
  if (whole && (given != 0 || !std::signbit(given))) return static_cast<std::int64_t>(given);
  return given;
}

struct Reader {
  lua_State* lua;
  std::array<void const*, kDeepest> open{};
  std::size_t depth = 0;

  [[noreturn]] void refuse(std::string const& what) const {
    throw Error(ErrorKind::script, what + " cannot be handed to the host program")
        .hint("Return nil, booleans, numbers, strings, and tables of these.");
  }

  Value read(int index) {
    switch (int const type = lua_type(lua, index)) {
      case LUA_TNONE:
      case LUA_TNIL:
        return {};
      case LUA_TBOOLEAN:
        return lua_toboolean(lua, index) != 0;
      case LUA_TNUMBER:
        return number(lua_tonumber(lua, index));
      case LUA_TSTRING:
        return text(index);
      case LUA_TTABLE:
        return table(index < 0 ? lua_gettop(lua) + index + 1 : index);
      case kCdata:
        return cdata(index);
      default:
        refuse(std::string("a ") + lua_typename(lua, type));
    }
  }

  std::string text(int index) const {
    std::size_t size = 0;
    char const* bytes = lua_tolstring(lua, index, &size);
    return {bytes, size};
  }

  // int64_t and uint64_t are all that has a meaning outside.
  Value cdata(int index) {
    lua_pushvalue(lua, index);
    auto const digits = tostring();
    std::int64_t whole = 0;
    auto const [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), whole);
    auto const rest =
        std::string_view(end, static_cast<std::size_t>(digits.data() + digits.size() - end));
    if (failure == std::errc() && (rest == "LL" || rest == "ULL")) return whole;
    if (failure == std::errc::result_out_of_range && rest == "ULL") {
      return std::strtod(digits.c_str(), nullptr);
    }
    refuse("C data (" + digits + ")");
  }

  // Pops the value on top.
  std::string tostring() {
    lua_getglobal(lua, "tostring");
    lua_insert(lua, -2);
    std::string made = "?";
    if (lua_pcall(lua, 1, 1, 0) == 0 && lua_type(lua, -1) == LUA_TSTRING) made = text(-1);
    lua_pop(lua, 1);
    return made;
  }

  // moonpool.null, which stands for nil where a table could not hold one.
  bool is_null(int index) const {
    if (lua_getmetatable(lua, index) == 0) return false;
    lua_pushliteral(lua, "__metatable");
    lua_rawget(lua, -2);
    bool const is = lua_type(lua, -1) == LUA_TSTRING && text(-1) == "moonpool.null";
    lua_pop(lua, 2);
    return is;
  }

  Value table(int index) {
    if (is_null(index)) return {};
    auto const* address = lua_topointer(lua, index);
    if (std::find(open.begin(), open.begin() + depth, address) != open.begin() + depth) {
      refuse("a table that holds itself");
    }
    if (depth == kDeepest || lua_checkstack(lua, 8) == 0) refuse("a table this deep");
    open[depth++] = address;
    auto value = is_list(index) ? Value(list(index)) : Value(map(index));
    --depth;
    return value;
  }

  bool is_list(int index) const {
    auto const length = lua_objlen(lua, index);
    std::size_t keys = 0;
    lua_pushnil(lua);
    while (lua_next(lua, index) != 0) {
      lua_pop(lua, 1);
      if (lua_type(lua, -1) != LUA_TNUMBER || !is_index(lua_tonumber(lua, -1), length)) {
        lua_pop(lua, 1);
        return false;
      }
      ++keys;
    }
    return keys == length;
  }

  Value::List list(int index) {
    auto const length = lua_objlen(lua, index);
    Value::List items;
    items.reserve(length);
    for (std::size_t i = 1; i <= length; ++i) {
      lua_rawgeti(lua, index, static_cast<int>(i));
      items.push_back(read(-1));
      lua_pop(lua, 1);
    }
    return items;
  }

  std::string key() const {
    switch (int const type = lua_type(lua, -2)) {
      case LUA_TSTRING:
        return text(-2);
      case LUA_TBOOLEAN:
        return lua_toboolean(lua, -2) != 0 ? "true" : "false";
      case LUA_TNUMBER: {
        std::array<char, 32> digits{};
        auto const end =
            std::to_chars(digits.data(), digits.data() + digits.size(), lua_tonumber(lua, -2)).ptr;
        return {digits.data(), end};
      }
      default:
        refuse(std::string("a table with a ") + lua_typename(lua, type) + " as key");
    }
  }

  Value::Map map(int index) {
    Value::Map fields;
    lua_pushnil(lua);
    while (lua_next(lua, index) != 0) {
      auto name = key();
      fields.emplace_back(std::move(name), read(-1));
      lua_pop(lua, 1);
    }
    std::sort(fields.begin(), fields.end(),
              [](auto const& a, auto const& b) { return a.first < b.first; });
    return fields;
  }
};

}  // namespace

void push_value(lua_State* lua, Value const& value) {
  luaL_checkstack(lua, 4, "a value for Lua is too deep");
  switch (value.type()) {
    case Value::Type::nil:
      lua_pushnil(lua);
      break;
    case Value::Type::boolean:
      lua_pushboolean(lua, value.as<bool>() ? 1 : 0);
      break;
    case Value::Type::integer:
      push_whole(lua, value.as<std::int64_t>());
      break;
    case Value::Type::number:
      lua_pushnumber(lua, value.as<double>());
      break;
    case Value::Type::text: {
      auto const text = value.as<std::string_view>();
      lua_pushlstring(lua, text.data(), text.size());
      break;
    }
    case Value::Type::list: {
      auto const& items = value.items();
      lua_createtable(lua, static_cast<int>(items.size()), 0);
      for (std::size_t i = 0; i < items.size(); ++i) {
        push_value(lua, items[i]);
        lua_rawseti(lua, -2, static_cast<int>(i + 1));
      }
      break;
    }
    case Value::Type::map: {
      auto const& fields = value.fields();
      lua_createtable(lua, 0, static_cast<int>(fields.size()));
      for (auto const& field : fields) {
        lua_pushlstring(lua, field.first.data(), field.first.size());
        push_value(lua, field.second);
        lua_rawset(lua, -3);
      }
      break;
    }
  }
}

Value read_value(lua_State* lua, int index) {
  int const top = lua_gettop(lua);
  try {
    return Reader{.lua = lua}.read(index);
  } catch (...) {
    lua_settop(lua, top);
    throw;
  }
}

}  // namespace moonpool::script
