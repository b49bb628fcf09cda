#pragma once

#include <cstdint>
#include <string>

#include "session/hold.hpp"
#include "wire/copy.hpp"
#include "wire/copy_text.hpp"

namespace moonpool::session {

// COPY … FROM STDIN on a connection of its own or inside a transaction, which runs nothing else
// meanwhile. After any error it has ended and nothing of it is stored, except for one whose outcome is
// `unknown`: then the answer to the end of the data was lost. Destroyed earlier, nothing is stored.
// Threads: the session's. One operation at a time.
class CopyIn {
 public:
  explicit CopyIn(Patience patience) : patience_(patience) {}
  CopyIn(CopyIn const&) = delete;
  CopyIn& operator=(CopyIn const&) = delete;

  // What is sent next, by rows or as it stands; the caller puts when it is full.
  // REQUIRES: not ended.
  std::string& buffer() { return wire_->buffer(); }
  wire::CopyWriter& rows() { return *writer_; }
  bool is_full() const { return wire_->is_full(); }
  bool ended() const { return !hold_.held(); }
  std::string const& node() const { return hold_.node(); }

  // Sends the buffer; waits only while the server has not taken what was sent before.
  async::Operation<void> put();
  // Sends the rest and ends the COPY; gives how many rows were stored.
  async::Operation<std::int64_t> finish();
  // Ends it so that nothing is stored; the server's log quotes the reason. Does not throw.
  async::Operation<void> fail(std::string reason);

 private:
  friend class Session;
  Start start(std::string const& sql);
  void check_open() const;
  Error ended_by(Error error);

  Patience const patience_;
  Hold hold_;
  std::optional<wire::CopyIn> wire_;
  std::optional<wire::CopyWriter> writer_;
};

// COPY … TO STDOUT, likewise. Destroyed early, the server is told to stop, and a transaction goes on.
class CopyOut {
 public:
  explicit CopyOut(Patience patience) : patience_(patience) {}
  CopyOut(CopyOut const&) = delete;
  CopyOut& operator=(CopyOut const&) = delete;

  // The next piece, of whole rows (but in binary format); empty at the end. Throws Error; it has then
  // ended.
  async::Operation<std::string> next();
  // After the end: how many rows came.
  std::int64_t rows() const { return wire_->rows(); }
  std::string const& node() const { return hold_.node(); }

 private:
  friend class Session;
  Start start(std::string const& sql);

  Patience const patience_;
  Hold hold_;
  std::optional<wire::CopyOut> wire_;
};

}  // namespace moonpool::session
