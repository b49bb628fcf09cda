#include "async/frames.hpp"

#include <array>
#include <new>

namespace moonpool::async {
namespace {

// The sanitizers see every frame come and go.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMost = 0;
#else
constexpr std::size_t kMost = 256;  // of one size
#endif
constexpr std::size_t kGrain = 64;
constexpr std::size_t kSizes = 32;

struct Free {
  Free* next;
};

struct Rest {
  Free* first;
  std::size_t count;
};

// Without a destructor, because frames of other things that live as long as the thread come when it ends.
struct Shelf {
  std::array<Rest, kSizes> rests;
  bool open;
  bool swept;
};

thread_local constinit Shelf shelf{};

void* pop(Rest& rest) {
  auto* const frame = rest.first;
  rest.first = frame->next;
  --rest.count;
  return frame;
}

struct Sweeper {
  Sweeper() { shelf.open = true; }
  ~Sweeper() {
    shelf.open = false;
    shelf.swept = true;
    for (auto& rest : shelf.rests) {
      while (rest.first != nullptr) ::operator delete(pop(rest));
    }
  }
  Sweeper(Sweeper const&) = delete;
  Sweeper& operator=(Sweeper const&) = delete;
};

bool is_open() {
  if (!shelf.open && !shelf.swept) {
    thread_local Sweeper const sweeper;
  }
  return shelf.open;
}

}  // namespace

void* take_frame(std::size_t size) {
  auto const at = size / kGrain;
  if (at >= kSizes) return ::operator new(size);
  if (auto& rest = shelf.rests[at]; rest.first != nullptr) return pop(rest);
  return ::operator new((at + 1) * kGrain);
}

void give_frame(void* frame, std::size_t size) noexcept {
  auto const at = size / kGrain;
  if (at >= kSizes || shelf.rests[at].count >= kMost || !is_open()) return ::operator delete(frame);
  auto& rest = shelf.rests[at];
  rest.first = new (frame) Free{rest.first};
  ++rest.count;
}

}  // namespace moonpool::async
