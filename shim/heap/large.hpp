// Large blocks: alone in a run of chunks of their own, not counted in the budget.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/heap/thread_heap.hpp"

namespace scratch::shim {

// Null where there is no run of chunks that long. `alignment` is at least 16 and at most
// largest_alignment.
void *push_large(thread_heap *heap, std::size_t size, std::size_t alignment,
                 std::uint32_t site) noexcept;

// Gives the block back; under the inside word of its owner.
void release_large(thread_heap *heap, block *freed) noexcept;

// The same for a block whose region was reset, whatever its program did with it.
void drop_large(thread_heap *heap, chunk *first) noexcept;

// What the thread that frees another's large block can do at once, before the owner is told: its
// pages go back where too many wait for their owners already.
void free_pages_remotely(block *freed) noexcept;

// Within the chunks that the block has.
bool resize_large(block *resized, std::size_t size) noexcept;

} // namespace scratch::shim
