#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "async/frames.hpp"
#include "async/wait.hpp"

namespace moonpool::async {

namespace detail {

// What one running tree of operations shares: where it stands, what it waits for. Going into a child
// and back to its parent only says here which coroutine is next; the driver's loop resumes it. Compilers
// turn a direct transfer into a jump at some levels of optimisation and into a call at others, where a
// long run of children that never wait would use up the stack.
struct Run {
  std::coroutine_handle<> innermost;  // the coroutine to resume next; none when the tree has ended
  Wait wait;
  Wakeup wakeup = Wakeup::ready;
  bool waiting = false;
};

struct PromiseBase {
  Run* run = nullptr;
  std::coroutine_handle<> continuation;
  std::exception_ptr error;

  static void* operator new(std::size_t size) { return take_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { give_frame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      self.promise().run->innermost = self.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  // Suspends the whole tree; the driver sees `wait` and resumes with a Wakeup.
  struct WaitAwaiter {
    PromiseBase& promise;
    Wait wait;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) noexcept {
      // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): takes a coroutine's promise for uninitialised
      promise.run->innermost = self;
      promise.run->wait = wait;
      promise.run->waiting = true;
    }
    Wakeup await_resume() const noexcept { return promise.run->wakeup; }
  };
  WaitAwaiter await_transform(Wait wait) noexcept { return {*this, wait}; }
  template <class Awaitable>
  decltype(auto) await_transform(Awaitable&& awaitable) noexcept {
    return std::forward<Awaitable>(awaitable);
  }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  void return_void() noexcept {}
  void take() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }
};

}  // namespace detail

// Work that may wait, as a lazy coroutine: nothing happens until a driver starts it (run_blocking,
// Stepper, Loop) or another operation awaits it. Inside, `co_await Wait{…}` gives the tree back to
// its driver and `co_await operation` runs a child.
//
// Destroying an operation that has begun cancels it: its locals are destroyed in order, which must
// leave everything they own in a state that can be thrown away.
// Parameters of operation functions are taken by value, or are owned by what outlives the operation.
// Threads: one thread at a time drives an operation; which one may change between steps.
template <class T>
class [[nodiscard]] Operation {
 public:
  struct promise_type : detail::Promise<T> {
    Operation get_return_object() noexcept {
      return Operation(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  Operation() = default;
  Operation(Operation&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Operation& operator=(Operation&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Operation(Operation const&) = delete;
  Operation& operator=(Operation const&) = delete;
  ~Operation() { destroy(); }

  explicit operator bool() const noexcept { return handle_ != nullptr; }

  struct ChildAwaiter {
    std::coroutine_handle<promise_type> child;
    bool await_ready() const noexcept { return false; }
    template <class Parent>
    void await_suspend(std::coroutine_handle<Parent> parent) noexcept {
      child.promise().run = parent.promise().run;
      child.promise().continuation = parent;
      child.promise().run->innermost = child;
    }
    T await_resume() { return child.promise().take(); }
  };
  // As a child: runs to its end, then gives its value or throws its error.
  ChildAwaiter operator co_await() && noexcept { return {handle_}; }

 private:
  template <class>
  friend class Stepper;
  explicit Operation(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  void destroy() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

  std::coroutine_handle<promise_type> handle_;
};

// Drives one operation step by step: the part that every driver shares, and the face for event loops
// that belong to somebody else.
template <class T>
class Stepper {
 public:
  explicit Stepper(Operation<T> operation) : operation_(std::move(operation)) {}
  // The operation points into this object.
  Stepper(Stepper const&) = delete;
  Stepper& operator=(Stepper const&) = delete;

  // Runs until the operation waits or ends. True when it ended: then call take() once.
  bool step(Wakeup wakeup = Wakeup::ready) {
    auto handle = operation_.handle_;
    if (!started_) {
      started_ = true;
      handle.promise().run = &run_;
      run_.innermost = handle;
    }
    run_.wakeup = wakeup;
    run_.waiting = false;
    while (!run_.waiting && run_.innermost) run_.innermost.resume();
    return !run_.waiting;
  }

  // What the operation waits for. REQUIRES: the last step() returned false.
  Wait const& wait() const { return run_.wait; }
  bool started() const { return started_; }
  bool done() const { return started_ && operation_.handle_.done(); }
  // REQUIRES: done(). Throws what the operation threw.
  T take() { return operation_.handle_.promise().take(); }

 private:
  Operation<T> operation_;
  detail::Run run_;
  bool started_ = false;
};

}  // namespace moonpool::async
