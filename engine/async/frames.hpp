#pragma once

#include <cstddef>

namespace moonpool::async {

// Memory for the frames of coroutines. A call is a dozen of them, all gone when it ends, and many calls side by
// side are more than the allocator keeps at hand: those of a thread are kept for its next call, in bounded
// number. Threads: any; a frame may end on another thread than it began on.
void* take_frame(std::size_t size);
void give_frame(void* frame, std::size_t size) noexcept;

}  // namespace moonpool::async
