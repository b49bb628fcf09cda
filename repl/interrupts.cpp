#include "interrupts.hpp"

#include <unistd.h>
#include <atomic>
#include <csignal>

#include "async/drive_blocking.hpp"
#include "exit_codes.hpp"
#include "script/state.hpp"

namespace moonpool::repl {
namespace {

std::atomic<script::State*> running_state = nullptr;
std::atomic<int> presses = 0;
std::atomic<int> most_presses = 2;
struct sigaction previous;

void on_interrupt(int) {
  if (++presses >= most_presses) _exit(kInterrupted);
  async::interrupt();
  if (auto* const state = running_state.load()) state->interrupt();
}

}  // namespace

Interrupts::Interrupts(script::State& state, int patience) {
  most_presses = patience;
  running_state = &state;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous);
}

Interrupts::~Interrupts() {
  sigaction(SIGINT, &previous, nullptr);
  running_state = nullptr;
}

// A press that ended a Lua loop is still on its way to the next wait for the server.
void Interrupts::forget() {
  presses = 0;
  async::forget_interrupt();
}

bool Interrupts::pending() { return presses > 0; }

}  // namespace moonpool::repl
