// Large results and COPY for the C++ face. Included by moonpool.hpp.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "moonpool/rows.hpp"

namespace moonpool {
inline namespace v1 {

// The rows of one statement, read off the server as the loop asks for them, in bounded memory: an input
// range, to be walked once. A row leans on the stream and lasts until the next one. Leaving early is
// safe: destroying it gives its connection back. Inside a transaction it is a cursor, so its statement
// must be a query, and other statements may run between its rows. Move-only.
class RowStream {
 public:
  explicit RowStream(mp_stream* stream) : state_(std::make_unique<State>(stream)) {}

  class Iterator {
   public:
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    Row operator*() const { return {*state_->rows, state_->row}; }
    Iterator& operator++() {
      state_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !state_->rows; }

   private:
    friend class RowStream;
    struct State {
      explicit State(mp_stream* stream) : line(stream) {}
      void advance() {
        if (rows && ++row < rows->size()) return;
        rows.reset();
        auto const op = detail::finish(mp_stream_next(line.get(), 0));
        row = 0;
        auto* const next = mp_op_result(op.get(), 0);
        if (next != nullptr) rows.emplace(next);
        if (rows && rows->empty()) rows.reset();
      }
      detail::Handle<mp_stream> line;
      std::optional<Rows> rows;
      std::size_t row = 0;
    };
    explicit Iterator(State* state) : state_(state) {}
    State* state_;
  };

  // Where the walk stands; the first call fetches the first rows. Throws Error, here and by ++.
  Iterator begin() {
    if (!state_->rows) state_->advance();
    return Iterator(state_.get());
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  using State = Iterator::State;
  std::unique_ptr<State> state_;
};

namespace detail {

// One value in COPY's text.
template <class T>
void put_value(mp_copy* copy, T const& value) {
  if constexpr (std::same_as<T, std::nullptr_t> || std::same_as<T, std::nullopt_t>) {
    mp_copy_value(copy, nullptr, 0);
  } else if constexpr (std::same_as<T, bool>) {
    mp_copy_value(copy, value ? "t" : "f", 1);
  } else if constexpr (std::integral<T>) {
    std::array<char, 24> digits{};
    auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    mp_copy_value(copy, digits.data(), static_cast<std::size_t>(end - digits.data()));
  } else if constexpr (std::floating_point<T>) {
    mp_copy_number(copy, static_cast<double>(value));
  } else if constexpr (std::convertible_to<T const&, std::string_view>) {
    std::string_view const text = value;
    char const* const data = text.data() != nullptr ? text.data() : "";
    if (mp_copy_value(copy, data, text.size()) == 0) {
      throw Error(std::string("a value holds a zero byte or broken UTF-8, which no text may"));
    }
  } else {
    static_assert(
        requires { value.has_value(); },
        "COPY takes numbers, booleans, text, nullptr, and std::optional of them");
    if (value) {
      put_value(copy, *value);
    } else {
      mp_copy_value(copy, nullptr, 0);
    }
  }
}

inline std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (char const c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

// "billing.orders" is a table in a schema; other names with dots go to SQL text of one's own.
inline std::string quoted_path(std::string_view path) {
  auto const dot = path.find('.');
  if (dot == std::string_view::npos) return quoted(path);
  return quoted(path.substr(0, dot)) + "." + quoted(path.substr(dot + 1));
}

inline std::string copy_in_sql(std::string_view table,
                               std::initializer_list<std::string_view> columns) {
  std::string sql = "copy " + quoted_path(table);
  char const* before = " (";
  for (auto const column : columns) {
    sql += before + quoted(column);
    before = ", ";
  }
  return sql + (columns.size() > 0 ? ") from stdin" : " from stdin");
}

// Throws Error, or what walking the range throws; nothing is stored then.
template <class Range>
long long copy_rows(mp_copy* copy, std::size_t columns, Range&& range) {
  try {
    for (auto const& row : range) {
      constexpr auto width = std::tuple_size_v<std::remove_cvref_t<decltype(row)>>;
      if (width != columns) {
        throw Error("a row has " + std::to_string(width) + " values for " +
                    std::to_string(columns) + " columns");
      }
      std::apply([&](auto const&... values) { (put_value(copy, values), ...); }, row);
      if (mp_copy_end_row(copy) != 0) finish(mp_copy_put(copy, nullptr, 0));
    }
  } catch (...) {
    static constexpr std::string_view kReason = "the range of rows threw";
    Handle<mp_op> const failing(mp_copy_fail(copy, kReason.data(), kReason.size()));
    mp_op_run(failing.get());
    throw;
  }
  return mp_op_affected(finish(mp_copy_finish(copy)).get());
}

}  // namespace detail
}  // namespace v1
}  // namespace moonpool
