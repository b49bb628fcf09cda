#pragma once

#include <charconv>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "moonpool/error.hpp"

namespace moonpool {
inline namespace v1 {

// One value, in PostgreSQL's text form. Leans on the Rows it came from.
class Field {
 public:
  Field(char const* column, char const* data, std::size_t length)
      : column_(column), data_(data), length_(length) {}

  bool is_null() const { return data_ == nullptr; }
  // PostgreSQL's text. Throws Error for NULL.
  std::string_view text() const {
    if (is_null())
      throw Error(std::string("column ") + column_ +
                  " is NULL; ask is_null(), or for a std::optional");
    return {data_, length_};
  }

  // As a string, a string_view, a number, a bool, or a std::optional of one of them (NULL is nullopt).
  // Throws Error when the text is no such value, or does not fit.
  template <class T>
  T as() const {
    if constexpr (is_optional<T>::value) {
      if (is_null()) return std::nullopt;
      return as<typename T::value_type>();
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      return text();
    } else if constexpr (std::is_same_v<T, std::string>) {
      return std::string(text());
    } else if constexpr (std::is_same_v<T, bool>) {
      auto const value = text();
      if (value == "t") return true;
      if (value == "f") return false;
      return refuse<T>("a boolean");
    } else {
      static_assert(std::is_arithmetic_v<T>,
                    "as<T>() takes strings, numbers, bool and std::optional of them");
      auto const value = text();
      T number{};
      auto const* end = value.data() + value.size();
      auto const result = std::from_chars(value.data(), end, number);
      if (result.ec != std::errc() || result.ptr != end) return refuse<T>("such a number");
      return number;
    }
  }
  template <class T>
  T as(T if_null) const {
    return is_null() ? std::move(if_null) : as<T>();
  }

 private:
  template <class T>
  struct is_optional : std::false_type {};
  template <class T>
  struct is_optional<std::optional<T>> : std::true_type {};
  template <class T>
  T refuse(char const* what) const {
    throw Error(std::string("column ") + column_ + " holds '" + std::string(text()) +
                "', which is not " + what);
  }

  char const* column_;
  char const* data_;
  std::size_t length_;
};

class Row;

// The answer to one statement. Owns it; rows and fields lean on it. Move-only.
class Rows {
 public:
  explicit Rows(mp_result* result) : result_(result) {}

  std::size_t size() const { return mp_result_rows(result_.get()); }
  bool empty() const { return size() == 0; }
  std::size_t columns() const { return mp_result_columns(result_.get()); }
  std::string_view column_name(std::size_t column) const {
    return mp_result_name(result_.get(), column);
  }
  // Throws Error that lists the columns there are.
  std::size_t column(std::string_view name) const {
    auto const count = columns();
    for (std::size_t i = 0; i < count; ++i) {
      if (column_name(i) == name) return i;
    }
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all.append(i == 0 ? "" : ", ").append(column_name(i));
    throw Error("there is no column '" + std::string(name) + "'; the columns are: " + all);
  }
  Field at(std::size_t row, std::size_t column) const {
    if (row >= size() || column >= columns()) throw Error("row or column out of range");
    std::size_t length = 0;
    char const* const data = mp_result_value(result_.get(), row, column, &length);
    return {mp_result_name(result_.get(), column), data, length};
  }
  // Rows the command touched.
  long long affected() const { return mp_result_affected(result_.get()); }
  // The name of the node that answered.
  std::string_view node() const { return mp_result_node(result_.get()); }

  Row operator[](std::size_t row) const;
  // The first value of the first row. Throws Error when there is no row.
  template <class T>
  T scalar() const {
    if (empty()) throw Error("the statement gave no row");
    return at(0, 0).as<T>();
  }

  class Iterator;
  Iterator begin() const;
  Iterator end() const;

 private:
  detail::Handle<mp_result> result_;
};

// One row of a Rows, which must outlive it.
class Row {
 public:
  Row(Rows const& rows, std::size_t index) : rows_(&rows), index_(index) {}
  Field operator[](std::string_view name) const { return rows_->at(index_, rows_->column(name)); }
  Field operator[](std::size_t column) const { return rows_->at(index_, column); }
  std::size_t size() const { return rows_->columns(); }

 private:
  Rows const* rows_;
  std::size_t index_;
};

class Rows::Iterator {
 public:
  using value_type = Row;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;
  Iterator(Rows const* rows, std::size_t index) : rows_(rows), index_(index) {}
  Row operator*() const { return {*rows_, index_}; }
  Iterator& operator++() {
    ++index_;
    return *this;
  }
  void operator++(int) { ++index_; }
  bool operator==(Iterator const& other) const { return index_ == other.index_; }

 private:
  Rows const* rows_;
  std::size_t index_;
};

inline Row Rows::operator[](std::size_t row) const { return {*this, row}; }
inline Rows::Iterator Rows::begin() const { return {this, 0}; }
inline Rows::Iterator Rows::end() const { return {this, size()}; }

}  // namespace v1
}  // namespace moonpool
