// value.hpp: what travels between a host and its Lua scripts, by value.
//
// A Value is nil, a truth value, a number, a text, a list or a map of Values. Numbers that are whole
// are read as integers or as floating point, as the caller asks. Copying copies everything.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace moonpool {
inline namespace v1 {

class Value {
 public:
  enum class Type : std::uint8_t { nil, boolean, integer, number, text, list, map };
  using List = std::vector<Value>;
  using Field = std::pair<std::string, Value>;
  using Map = std::vector<Field>;  // in the order of the keys where it came from Lua

  Value() = default;
  // NOLINTBEGIN(google-explicit-constructor): what a script is given reads as what it is.
  Value(std::nullptr_t) {}
  Value(std::string text) : held_(std::move(text)) {}
  Value(std::string_view text) : held_(std::string(text)) {}
  Value(char const* text) : held_(std::string(text)) {}
  Value(List list) : held_(std::move(list)) {}
  Value(Map map) : held_(std::move(map)) {}
  // Unsigned numbers past the range of std::int64_t become floating point.
  template <class T>
  requires std::is_arithmetic_v<T> Value(T given) {
    if constexpr (std::is_same_v<T, bool>) {
      held_ = given;
    } else if constexpr (std::is_floating_point_v<T>) {
      held_ = static_cast<double>(given);
    } else if (std::cmp_less_equal(given, std::numeric_limits<std::int64_t>::max())) {
      held_ = static_cast<std::int64_t>(given);
    } else {
      held_ = static_cast<double>(given);
    }
  }
  // NOLINTEND(google-explicit-constructor)
  static Value map(std::initializer_list<Field> fields);

  Type type() const { return static_cast<Type>(held_.index()); }
  bool is_nil() const { return type() == Type::nil; }
  explicit operator bool() const { return !is_nil(); }

  // The value as bool, a number type, std::string, or std::string_view (which leans on this value).
  // Throws std::runtime_error, naming both types, where it is something else or does not fit.
  template <class T>
  T as() const;
  // The same, and `otherwise` for nil.
  template <class T>
  T value_or(T otherwise) const {
    return is_nil() ? otherwise : as<T>();
  }

  // Entries of a list or a map, bytes of a text; 0 for nil. Throws std::runtime_error for the others.
  std::size_t size() const;
  // The list's items; an empty map is an empty list too. Throws std::runtime_error otherwise.
  List const& items() const;
  // The map's fields; an empty list is an empty map too. Throws std::runtime_error otherwise.
  Map const& fields() const;
  // A list's item, 0-based. Throws std::runtime_error past the end.
  Value const& operator[](std::size_t index) const;
  Value const& operator[](int index) const { return (*this)[static_cast<std::size_t>(index)]; }
  // A map's value; nil where it has no such key.
  Value const& operator[](std::string_view key) const;
  Value const& operator[](char const* key) const { return (*this)[std::string_view(key)]; }
  List::const_iterator begin() const { return items().begin(); }
  List::const_iterator end() const { return items().end(); }

  friend bool operator==(Value const& a, Value const& b);

 private:
  std::string name_of_type() const;
  [[noreturn]] void refuse(char const* wanted) const {
    throw std::runtime_error("this Lua value is " + name_of_type() + ", not " + wanted);
  }
  template <class T>
  T as_integer() const;

  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> held_;
};

inline bool operator==(Value const& a, Value const& b) { return a.held_ == b.held_; }

inline Value Value::map(std::initializer_list<Field> fields) { return Value(Map(fields)); }

inline std::string Value::name_of_type() const {
  static constexpr char const* kNames[] = {"nil",    "a boolean", "an integer", "a number",
                                           "a text", "a list",    "a map"};
  return kNames[held_.index()];
}

template <class T>
T Value::as_integer() const {
  if (auto const* whole = std::get_if<std::int64_t>(&held_)) {
    if (std::in_range<T>(*whole)) return static_cast<T>(*whole);
    throw std::runtime_error("the Lua value " + std::to_string(*whole) +
                             " does not fit the number type it is read as");
  }
  auto const* number = std::get_if<double>(&held_);
  if (number == nullptr) refuse("an integer");
  // 2^63 is the first double that std::int64_t cannot hold.
  if (std::trunc(*number) == *number && *number >= -0x1p63 && *number < 0x1p63 &&
      std::in_range<T>(static_cast<std::int64_t>(*number))) {
    return static_cast<T>(*number);
  }
  throw std::runtime_error("the Lua number " + std::to_string(*number) +
                           " does not fit the number type it is read as");
}

template <class T>
T Value::as() const {
  if constexpr (std::is_same_v<T, Value>) {
    return *this;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (auto const* truth = std::get_if<bool>(&held_)) return *truth;
    refuse("a boolean");
  } else if constexpr (std::is_floating_point_v<T>) {
    if (auto const* number = std::get_if<double>(&held_)) return static_cast<T>(*number);
    if (auto const* whole = std::get_if<std::int64_t>(&held_)) return static_cast<T>(*whole);
    refuse("a number");
  } else if constexpr (std::is_integral_v<T>) {
    return as_integer<T>();
  } else {
    if (auto const* text = std::get_if<std::string>(&held_)) return T(*text);
    refuse("a text");
  }
}

inline std::size_t Value::size() const {
  if (is_nil()) return 0;
  if (auto const* text = std::get_if<std::string>(&held_)) return text->size();
  if (auto const* list = std::get_if<List>(&held_)) return list->size();
  return fields().size();
}

inline Value::List const& Value::items() const {
  static List const kNone;
  if (auto const* list = std::get_if<List>(&held_)) return *list;
  if (auto const* map = std::get_if<Map>(&held_); map != nullptr && map->empty()) return kNone;
  refuse("a list");
}

inline Value::Map const& Value::fields() const {
  static Map const kNone;
  if (auto const* map = std::get_if<Map>(&held_)) return *map;
  if (auto const* list = std::get_if<List>(&held_); list != nullptr && list->empty()) return kNone;
  refuse("a map");
}

inline Value const& Value::operator[](std::size_t index) const {
  auto const& list = items();
  if (index >= list.size()) {
    throw std::runtime_error("the Lua list has " + std::to_string(list.size()) +
                             " items, none at index " + std::to_string(index));
  }
  return list[index];
}

inline Value const& Value::operator[](std::string_view key) const {
  static Value const kNil;
  for (auto const& field : fields()) {
    if (field.first == key) return field.second;
  }
  return kNil;
}

}  // namespace v1
}  // namespace moonpool
