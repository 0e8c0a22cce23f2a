// The heaps' counts, carried into the process's counters.
#pragma once

#include "shim/heap/thread_heap.hpp"

namespace scratch::shim {

// Adds what one heap counted since the last time. By its owner, or at the end of the process.
void publish(thread_heap *heap) noexcept;

// The regions alone, whenever one begins slowly.
void publish_regions(thread_heap *heap) noexcept;

// The pinned bytes alone, whenever a chunk retires: their peak is of interest too.
void publish_pinned(thread_heap *heap) noexcept;

// The same for all heaps, with what is held now.
void publish_all_heaps() noexcept;

// A forked child counts from here.
void forget_published_counts() noexcept;

} // namespace scratch::shim
