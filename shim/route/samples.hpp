// The nursery of adaptive mode: one call out of many is put on the stack to see how soon its block
// dies.
#pragma once

#include <cstdint>

#include "shim/heap/block.hpp"

namespace scratch::shim {

struct thread_heap;
struct site;

// Calls of one thread between two samples, at first; later fewer are taken.
inline constexpr std::uint32_t first_interval = 64;
inline constexpr std::uint32_t longest_interval = 1024;

// A block that is freed within so many allocations of its thread counts as young: about what fits
// into a chunk.
inline constexpr std::uint32_t young_age = 256;

struct sample {
    const block *watched; // null: nothing is watched here
    site *from;
    std::uint32_t born; // the thread's clock
};

// Blocks watched at a time, per thread; the oldest is given up as long-lived for the newest.
inline constexpr std::uint32_t most_samples = 64;

struct sample_ring {
    std::uint32_t clock = 0; // allocations of the thread up to its last sample
    std::uint32_t newest = 0;
    sample samples[most_samples] = {};
};

// Watches a block that was just pushed, by the heap's thread.
void watch(thread_heap *heap, block &sampled, site &from) noexcept;

// A watched block is freed by its owner: its site is credited with a block that lived as long as it
// did.
void sample_freed(thread_heap *heap, const block &freed) noexcept;

} // namespace scratch::shim
