// Streams and COPY.
#include <memory>
#include <string>
#include <utility>

#include "api/handles.hpp"

namespace {

using moonpool::Error;
using moonpool::ErrorKind;
using moonpool::api::make_op;
using moonpool::api::run_options_of;
using moonpool::async::Operation;
using moonpool::session::CopyIn;
using moonpool::session::CopyOut;
using moonpool::session::RunOptions;
using moonpool::session::Session;
using moonpool::session::Stream;

Operation<void> open_into(mp_op& op, std::shared_ptr<Session> session,
                          moonpool::wire::Statement statement, RunOptions options) {
  auto opening = session->stream(std::move(statement), options);
  auto stream = co_await std::move(opening);
  op.stream = std::make_unique<mp_stream>();
  op.stream->stream = std::move(stream);
}

Operation<void> next_into(mp_op& op, std::shared_ptr<Stream> stream, std::size_t max_rows) {
  auto reading = stream->next(max_rows);
  auto batch = co_await std::move(reading);
  if (!batch) co_return;
  auto result = std::make_unique<mp_result>();
  result->result = std::move(*batch);
  result->node = stream->node();
  op.results.clear();
  op.results.push_back(std::move(result));
}

Operation<void> copy_in_into(mp_op& op, std::shared_ptr<Session> session, std::string sql,
                             RunOptions options) {
  auto starting = session->copy_in(std::move(sql), options);
  auto copy = co_await std::move(starting);
  op.copy = std::make_unique<mp_copy>();
  op.copy->in = std::move(copy);
}

Operation<void> copy_out_into(mp_op& op, std::shared_ptr<Session> session, std::string sql,
                              RunOptions options) {
  auto starting = session->copy_out(std::move(sql), options);
  auto copy = co_await std::move(starting);
  op.copy = std::make_unique<mp_copy>();
  op.copy->out = std::move(copy);
}

// The handle may be freed before the first step: these hold the COPY themselves.
Operation<void> put(std::shared_ptr<CopyIn> copy) {
  auto putting = copy->put();
  co_await std::move(putting);
}

Operation<void> finish_into(mp_op& op, std::shared_ptr<CopyIn> copy) {
  auto finishing = copy->finish();
  op.count = co_await std::move(finishing);
}

Operation<void> fail(std::shared_ptr<CopyIn> copy, std::string reason) {
  auto failing = copy->fail(std::move(reason));
  co_await std::move(failing);
}

Operation<void> get_into(mp_op& op, std::shared_ptr<CopyOut> copy) {
  auto reading = copy->next();
  auto piece = co_await std::move(reading);
  op.count = copy->rows();
  op.text = std::make_unique<mp_text>();
  op.text->text = std::move(piece);
}

std::shared_ptr<CopyIn> const& in(mp_copy* copy) {
  if (!copy->in) throw Error(ErrorKind::usage, "this COPY gives data, it takes none");
  return copy->in;
}

}  // namespace

mp_op* mp_stream_open(mp_session* session, const mp_statement* statement,
                      const mp_run_options* options) noexcept {
  return make_op([&](mp_op& op) {
    return open_into(op, session->session, moonpool::api::statement_of(*statement),
                     run_options_of(options));
  });
}

mp_op* mp_stream_next(mp_stream* stream, size_t max_rows) noexcept {
  return make_op([&](mp_op& op) { return next_into(op, stream->stream, max_rows); });
}

void mp_stream_free(mp_stream* stream) noexcept { delete stream; }

mp_op* mp_copy_in(mp_session* session, const char* sql, size_t length,
                  const mp_run_options* options) noexcept {
  return make_op([&](mp_op& op) {
    return copy_in_into(op, session->session, std::string(sql, length), run_options_of(options));
  });
}

// Only memory can be short here, which leaves the row as unfit as bytes that are no text.
int mp_copy_value(mp_copy* copy, const char* data, size_t length) noexcept {
  try {
    auto& rows = in(copy)->rows();
    if (data == nullptr) {
      rows.null();
      return 1;
    }
    if (rows.text(std::string_view(data, length))) return 1;
    rows.drop_row();
    return 0;
  } catch (...) {
    return 0;
  }
}

void mp_copy_number(mp_copy* copy, double value) noexcept {
  if (copy->in) copy->in->rows().number(value);
}

void mp_copy_drop_row(mp_copy* copy) noexcept {
  if (copy->in) copy->in->rows().drop_row();
}

int mp_copy_end_row(mp_copy* copy) noexcept {
  if (!copy->in || copy->in->ended()) return 0;
  copy->in->rows().end_row();
  return copy->in->is_full() ? 1 : 0;
}

mp_op* mp_copy_put(mp_copy* copy, const char* data, size_t length) noexcept {
  return make_op([&](mp_op&) {
    auto const& rows = in(copy);
    if (rows->rows().in_row()) throw Error(ErrorKind::usage, "the row is not ended yet");
    if (data != nullptr) rows->buffer().append(data, length);
    return put(rows);
  });
}

mp_op* mp_copy_finish(mp_copy* copy) noexcept {
  return make_op([&](mp_op& op) {
    if (in(copy)->rows().in_row()) throw Error(ErrorKind::usage, "the last row is not ended");
    return finish_into(op, in(copy));
  });
}

mp_op* mp_copy_fail(mp_copy* copy, const char* reason, size_t length) noexcept {
  return make_op([&](mp_op&) { return fail(in(copy), std::string(reason, length)); });
}

mp_op* mp_copy_out(mp_session* session, const char* sql, size_t length,
                   const mp_run_options* options) noexcept {
  return make_op([&](mp_op& op) {
    return copy_out_into(op, session->session, std::string(sql, length), run_options_of(options));
  });
}

mp_op* mp_copy_get(mp_copy* copy) noexcept {
  return make_op([&](mp_op& op) {
    if (!copy->out) throw Error(ErrorKind::usage, "this COPY takes data, it gives none");
    return get_into(op, copy->out);
  });
}

mp_result* mp_copy_rows(const mp_result* like, const char* data, size_t length,
                        mp_error** error) noexcept {
  return moonpool::api::guarded(error, static_cast<mp_result*>(nullptr), [&] {
    auto result = std::make_unique<mp_result>();
    result->result = moonpool::wire::copied_rows(std::string_view(data, length), like->result);
    result->node = like->node;
    return result.release();
  });
}

void mp_copy_free(mp_copy* copy) noexcept { delete copy; }

mp_stream* mp_op_stream(mp_op* op) noexcept { return op->stream.release(); }
mp_copy* mp_op_copy(mp_op* op) noexcept { return op->copy.release(); }
mp_text* mp_op_text(mp_op* op) noexcept { return op->text.release(); }
int64_t mp_op_affected(const mp_op* op) noexcept { return op->count; }
