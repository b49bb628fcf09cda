#include "api/handles.hpp"

namespace {

using moonpool::async::Operation;
using moonpool::session::RunOptions;
using moonpool::session::Session;

Operation<void> lend_into(mp_op& op, std::shared_ptr<Session> session, RunOptions options) {
  auto lending = session->lend(options);
  auto lent = co_await std::move(lending);
  op.loan = std::make_unique<mp_loan>();
  op.loan->lent = std::move(lent);
}

}  // namespace

mp_op* mp_lend(mp_session* session, const mp_run_options* options) noexcept {
  return moonpool::api::make_op([&](mp_op& op) {
    return lend_into(op, session->session, moonpool::api::run_options_of(options));
  });
}

void* mp_loan_connection(const mp_loan* loan) noexcept {
  return moonpool::api::guarded(nullptr, static_cast<void*>(nullptr), [&]() -> void* {
    return loan->lent ? loan->lent->raw() : nullptr;
  });
}

int mp_loan_return(mp_loan* loan, mp_error** error) noexcept {
  return moonpool::api::guarded(error, 0, [&] {
    auto const lent = std::move(loan->lent);
    if (lent) lent->give_back();
    return 1;
  });
}

void mp_loan_free(mp_loan* loan) noexcept { delete loan; }
mp_loan* mp_op_loan(mp_op* op) noexcept { return op->loan.release(); }
