#include <thread>

#include <openssl/evp.h>

#include "api/handles.hpp"
#include "base/utf8.hpp"
#include "wire/pq.hpp"

size_t mp_result_rows(const mp_result* result) noexcept { return result->result.rows(); }
size_t mp_result_columns(const mp_result* result) noexcept { return result->result.columns(); }

const char* mp_result_name(const mp_result* result, size_t column) noexcept {
  return result->result.column_name(column);
}

uint32_t mp_result_type(const mp_result* result, size_t column) noexcept {
  return result->result.column_type(column);
}

const char* mp_result_value(const mp_result* result, size_t row, size_t column,
                            size_t* length) noexcept {
  namespace pq = moonpool::wire::pq;
  auto const* handle = result->result.handle();
  int const r = static_cast<int>(row);
  int const c = static_cast<int>(column);
  int const size = pq::length(handle, r, c);
  *length = static_cast<size_t>(size);
  // Only an empty value can be NULL.
  if (size == 0 && pq::is_null(handle, r, c)) return nullptr;
  return pq::value(handle, r, c);
}

const char* mp_result_tag(const mp_result* result) noexcept { return result->result.tag().data(); }
int64_t mp_result_affected(const mp_result* result) noexcept { return result->result.affected(); }
const char* mp_result_node(const mp_result* result) noexcept { return result->node.c_str(); }
size_t mp_result_memory(const mp_result* result) noexcept { return result->result.memory(); }
void mp_result_free(mp_result* result) noexcept { delete result; }

mp_sql* mp_sql_scan(const char* sql, size_t length, mp_error** error) noexcept {
  return moonpool::api::guarded(error, static_cast<mp_sql*>(nullptr), [&] {
    return new mp_sql{moonpool::number_placeholders(std::string_view(sql, length))};
  });
}

const char* mp_sql_text(const mp_sql* sql, size_t* length) noexcept {
  if (length != nullptr) *length = sql->placeholders.text.size();
  return sql->placeholders.text.c_str();
}

int mp_sql_style(const mp_sql* sql) noexcept { return static_cast<int>(sql->placeholders.style); }
size_t mp_sql_count(const mp_sql* sql) noexcept { return sql->placeholders.count; }

const char* mp_sql_name(const mp_sql* sql, size_t index) noexcept {
  auto const& names = sql->placeholders.names;
  return index < names.size() ? names[index].c_str() : nullptr;
}

void mp_sql_free(mp_sql* sql) noexcept { delete sql; }

mp_script* mp_script_split(const char* text, size_t length) noexcept {
  return moonpool::api::guarded(nullptr, static_cast<mp_script*>(nullptr), [&] {
    auto script = std::make_unique<mp_script>();
    script->text.assign(text, length);
    script->statements = moonpool::split_script(script->text);
    return script.release();
  });
}

size_t mp_script_count(const mp_script* script) noexcept { return script->statements.size(); }

const char* mp_script_statement(const mp_script* script, size_t index, size_t* length) noexcept {
  auto const& statement = script->statements[index];
  *length = statement.text.size();
  return statement.text.data();
}

size_t mp_script_line(const mp_script* script, size_t index) noexcept {
  return script->statements[index].line;
}

int mp_script_complete(const mp_script* script, size_t index) noexcept {
  return script->statements[index].complete ? 1 : 0;
}

void mp_script_free(mp_script* script) noexcept { delete script; }

void mp_sha256(const void* data, size_t length, char out[65]) noexcept {
  static constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int size = 0;
  EVP_Digest(data, length, digest, &size, EVP_sha256(), nullptr);
  for (std::size_t i = 0; i < 32; ++i) {
    out[2 * i] = kHex[digest[i] >> 4];
    out[2 * i + 1] = kHex[digest[i] & 15];
  }
  out[64] = '\0';
}

size_t mp_valid_text_prefix(const char* text, size_t length) noexcept {
  return moonpool::valid_text_prefix(std::string_view(text, length));
}

double mp_clock(void) noexcept {
  return std::chrono::duration<double>(moonpool::Clock::now().time_since_epoch()).count();
}

void mp_sleep(double seconds) noexcept {
  if (seconds > 0) std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}
