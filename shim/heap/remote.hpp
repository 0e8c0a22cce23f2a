// Frees that do not come from the owner's own code: other threads', and those of signal handlers
// that interrupted a slow path (DESIGN 14).
#pragma once

#include "shim/heap/thread_heap.hpp"

namespace scratch::shim {

// Marks the block by one atomic exchange and links it into the owner's list; the owner counts it
// later.
void free_remotely(thread_heap *owner, block *freed) noexcept;

// Takes the blocks that others freed into the owner's counts. Under the inside word.
void drain_remote_frees(thread_heap *heap) noexcept;

// Frees a block of `heap`, which is the calling thread's own, under the inside word.
void free_as_owner(thread_heap *heap, block *freed) noexcept;

} // namespace scratch::shim
