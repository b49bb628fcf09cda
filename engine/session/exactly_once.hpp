#pragma once

#include <memory>
#include <string>

#include "async/operation.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "wire/statement.hpp"

namespace moonpool::session {

class Session;

// The proof of a COMMIT whose answer was lost. A transaction that must happen exactly once begins with a row
// of its own, its token, in moonpool.commits. Whoever must know the end of it inserts the same token as a
// fence: the unique index makes the fence wait while the transaction is open, refuses it when the transaction
// has committed, and takes it only when the transaction is gone without a trace, and then for good.

// How long a proof may take, beside the transaction's own time.
inline constexpr Duration kProofTime = std::chrono::seconds(30);

// A uuid that no other transaction has.
std::string new_token();
// The statement that takes it, as the first of its transaction.
std::string taking(std::string const& token);

// Whether this error says that the table is not there yet.
bool lacks_commits_table(Error const& error);
// What makes it, in one segment. Those who come first together do not get into each other's way.
wire::Request commits_table();
// Says what is to be done where a role may not make the table, or not write to it.
Error explained(Error error);

// True: the transaction of this token has committed, on the server that is the primary now. False: it has not
// and never will. Both are certain, and stay so however often it is asked. Makes the table where a failover
// lost it. Throws the last Error when it could not be found out in so much time.
async::Operation<bool> prove_committed(std::shared_ptr<Session> session, std::string token,
                                       Duration patience);

// Removes, now and then, tokens of more than seven days ago. Never throws.
async::Operation<void> sweep_now_and_then(std::shared_ptr<Session> session);
// Removes them, some thousand at a time; gives how many.
async::Operation<std::int64_t> sweep(std::shared_ptr<Session> session);

}  // namespace moonpool::session
