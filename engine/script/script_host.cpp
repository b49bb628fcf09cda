#include <dlfcn.h>

#include <memory>
#include <new>

#include "api/handles.hpp"
#include "base/error.hpp"
#include "moonpool/script_host.h"
#include "script/state.hpp"

// Also a value inside another one: a list's items are handles too, so that they can be lent.
struct mp_host_value {
  moonpool::Value scalar;
  bool is_list = false;
  bool is_map = false;
  std::vector<std::unique_ptr<mp_host_value>> items;
  std::vector<std::string> keys;
};

struct mp_host {
  mp_host(moonpool::script::State lua, moonpool::script::Object functions)
      : state(std::move(lua)), module(std::move(functions)) {}

  moonpool::script::State state;
  moonpool::script::Object module;
};

namespace {

using moonpool::Value;
using moonpool::api::guarded;

std::unique_ptr<mp_host_value> handle_of(Value const& value) {
  auto handle = std::make_unique<mp_host_value>();
  handle->is_list = value.type() == Value::Type::list;
  handle->is_map = value.type() == Value::Type::map;
  if (handle->is_list) {
    for (auto const& item : value.items()) handle->items.push_back(handle_of(item));
  } else if (handle->is_map) {
    for (auto const& field : value.fields()) {
      handle->keys.push_back(field.first);
      handle->items.push_back(handle_of(field.second));
    }
  } else {
    handle->scalar = value;
  }
  return handle;
}

Value value_of(mp_host_value const* handle) {
  if (handle == nullptr) return {};
  if (handle->is_list) {
    Value::List list;
    for (auto const& item : handle->items) list.push_back(value_of(item.get()));
    return list;
  }
  if (handle->is_map) {
    Value::Map map;
    for (std::size_t i = 0; i < handle->items.size(); ++i) {
      map.emplace_back(handle->keys[i], value_of(handle->items[i].get()));
    }
    return map;
  }
  return handle->scalar;
}

// A host may have opened the library for itself alone; then the FFI does not see the C ABI in the
// process. Opening it once more, for everybody, shows it. An executable that holds the engine itself
// cannot be opened, and need not be.
constexpr char kLoadGlobally[] =
    "return { load = function(path) pcall(require('ffi').load, path, true) end }";

// The file this code was loaded from.
std::string own_file() {
  Dl_info info{};
  void* const here = reinterpret_cast<void*>(&mp_host_new);
  if (dladdr(here, &info) == 0 || info.dli_fname == nullptr) return "";
  return info.dli_fname;
}

moonpool::script::StateOptions state_options(mp_host_options const* wish) {
  moonpool::script::StateOptions options;
  if (wish == nullptr) return options;
  options.memory_limit = wish->memory_limit;
  options.time_limit = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(wish->time_limit));
  return options;
}

mp_host_value* scalar(Value value) noexcept {
  return guarded<mp_host_value*>(nullptr, nullptr, [&] { return handle_of(value).release(); });
}

Value::List arguments(mp_host_value const* args) {
  auto const given = value_of(args);
  return given.is_nil() ? Value::List() : given.items();
}

mp_host_value* first_of(moonpool::script::Values const& values) {
  return handle_of(values.empty() ? Value() : values.front()).release();
}

}  // namespace

mp_host_value* mp_host_nil() noexcept { return scalar({}); }
mp_host_value* mp_host_boolean(int value) noexcept { return scalar(value != 0); }
mp_host_value* mp_host_integer(int64_t value) noexcept { return scalar(value); }
mp_host_value* mp_host_number(double value) noexcept { return scalar(value); }
mp_host_value* mp_host_text(const char* data, size_t length) noexcept {
  return guarded<mp_host_value*>(
      nullptr, nullptr, [&] { return handle_of(std::string_view(data, length)).release(); });
}
mp_host_value* mp_host_list() noexcept {
  return guarded<mp_host_value*>(nullptr, nullptr,
                                 [] { return handle_of(Value::List()).release(); });
}
mp_host_value* mp_host_map() noexcept {
  return guarded<mp_host_value*>(nullptr, nullptr,
                                 [] { return handle_of(Value::Map()).release(); });
}

int mp_host_add(mp_host_value* to, const char* key, size_t key_length,
                mp_host_value* item) noexcept {
  std::unique_ptr<mp_host_value> owned(item);
  return guarded<int>(nullptr, 0, [&] {
    bool const fits =
        to != nullptr && owned != nullptr && (key != nullptr ? to->is_map : to->is_list);
    if (!fits) return 0;
    if (key != nullptr) to->keys.emplace_back(key, key_length);
    to->items.push_back(std::move(owned));
    return 1;
  });
}

int mp_host_type_of(const mp_host_value* value) noexcept {
  if (value->is_list) return MP_HOST_LIST;
  if (value->is_map) return MP_HOST_MAP;
  return static_cast<int>(value->scalar.type());
}

int mp_host_as_boolean(const mp_host_value* value) noexcept {
  return mp_host_type_of(value) == MP_HOST_BOOLEAN && value->scalar.as<bool>() ? 1 : 0;
}
int64_t mp_host_as_integer(const mp_host_value* value) noexcept {
  return mp_host_type_of(value) == MP_HOST_INTEGER ? value->scalar.as<std::int64_t>() : 0;
}
double mp_host_as_number(const mp_host_value* value) noexcept {
  return mp_host_type_of(value) == MP_HOST_NUMBER ? value->scalar.as<double>() : 0;
}
const char* mp_host_as_text(const mp_host_value* value, size_t* length) noexcept {
  if (mp_host_type_of(value) != MP_HOST_TEXT) return nullptr;
  auto const text = value->scalar.as<std::string_view>();
  *length = text.size();
  return text.data();
}
size_t mp_host_count(const mp_host_value* value) noexcept { return value->items.size(); }
const mp_host_value* mp_host_item(const mp_host_value* value, size_t index) noexcept {
  return index < value->items.size() ? value->items[index].get() : nullptr;
}
const char* mp_host_key(const mp_host_value* value, size_t index, size_t* length) noexcept {
  if (index >= value->keys.size()) return nullptr;
  *length = value->keys[index].size();
  return value->keys[index].c_str();
}
void mp_host_value_free(mp_host_value* value) noexcept { delete value; }

mp_host* mp_host_new(const mp_cluster* cluster, const mp_host_options* options,
                     mp_error** error) noexcept {
  return guarded<mp_host*>(error, nullptr, [&] {
    moonpool::script::State state(state_options(options));
    state.object_from(kLoadGlobally, "=(host)").call("load", {own_file()});
    state.set("moonpool", state.require("moonpool"));
    auto module = state.require("moonpool.core.host");
    // From the call on it belongs to the handle in Lua.
    if (cluster != nullptr)
      module.call("open", {moonpool::script::Pointer{mp_cluster_share(cluster)}});
    return std::make_unique<mp_host>(std::move(state), std::move(module)).release();
  });
}

void mp_host_free(mp_host* host) noexcept { delete host; }

int mp_host_set(mp_host* host, const char* name, const mp_host_value* value,
                mp_error** error) noexcept {
  return guarded<int>(error, 0, [&] {
    host->state.set(name, value_of(value));
    return 1;
  });
}

mp_host_value* mp_host_get(mp_host* host, const char* name, mp_error** error) noexcept {
  return guarded<mp_host_value*>(error, nullptr,
                                 [&] { return first_of(host->module.call("get", {name})); });
}

mp_host_value* mp_host_run_file(mp_host* host, const char* path, const mp_host_value* args,
                                mp_error** error) noexcept {
  return guarded<mp_host_value*>(error, nullptr, [&] {
    auto const list = arguments(args);
    return first_of(host->module.call("run_file", {path, Value(list), list.size()}));
  });
}

mp_host_value* mp_host_run_string(mp_host* host, const char* code, size_t length, const char* name,
                                  mp_error** error) noexcept {
  return guarded<mp_host_value*>(error, nullptr, [&] {
    return first_of(host->module.call("run_string", {std::string_view(code, length), name}));
  });
}

mp_host_value* mp_host_call(mp_host* host, const char* function, const mp_host_value* args,
                            mp_error** error) noexcept {
  return guarded<mp_host_value*>(error, nullptr, [&] {
    auto const list = arguments(args);
    return first_of(host->module.call("call", {function, Value(list), list.size()}));
  });
}

const char* mp_host_traceback(const mp_host* host) noexcept {
  return host->state.traceback().c_str();
}

void mp_host_interrupt(mp_host* host) noexcept { host->state.interrupt(); }
