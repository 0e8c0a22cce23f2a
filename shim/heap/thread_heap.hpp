// One thread's heap: the stack of blocks that its scratch calls get, as a list of chunks in the
// order of time.
//
// Who may touch what: everything here belongs to the thread that owns the heap, except the words
// named `shared`. A signal handler counts as that thread: the two hot operations, push and pop,
// change one word in one instruction, so a handler may interrupt them anywhere; all slow paths run
// with `this_thread.active` set to a heap without room, so that a handler's calls go round them
// (see inside.hpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shim/heap/block.hpp"
#include "shim/heap/chunk.hpp"
#include "shim/heap/reservation.hpp"
#include "shim/heap/signal_atomic.hpp"
#include "shim/region/region.hpp"
#include "shim/route/samples.hpp"

namespace scratch::shim {

// What other threads may touch, on a cache line of its own.
struct alignas(64) shared_words {
    std::atomic<std::uint32_t> thread_id{0}; // the owner's, as the kernel names it; 0: being set up
    std::atomic<std::uint32_t> remote_frees{0}; // the newest block freed by others, compressed
    std::atomic<region_token> left_by_other{0}; // a region of this heap that another thread left
    std::atomic<bool> inside{false};            // the owner is in a slow path
    std::atomic<bool> abandoned{false};         // torn by a longjmp or a fork: nobody adopts it
};

struct published_counts {
    std::uint64_t scratch_calls = 0;
    std::uint64_t scratch_bytes = 0;
    std::uint64_t next_calls = 0;
    std::uint64_t next_bytes = 0;
};

struct alignas(64) thread_heap {
    std::uintptr_t top = 0; // where the next block's header goes
    // The most that top may become. 0 while plain calls are not to be pushed: no chunk is open, or,
    // in mode scoped, no region is (tagged calls then go by the chunk's own limit).
    std::uintptr_t limit = 0;
    std::uint64_t scratch_calls = 0;
    std::uint64_t scratch_bytes = 0;

    std::uint64_t next_calls = 0; // where statistics were asked for
    std::uint64_t next_bytes = 0;
    chunk *current = nullptr;        // where top is, null while nothing is pushed
    chunk *retired = nullptr;        // full or left, and blocks in them still live; newest first
    chunk *large = nullptr;          // blocks with chunks of their own
    chunk *spare = nullptr;          // one, kept for the next need
    std::uint32_t retired_count = 0; // outside regions, and not looked at by adaptive mode
    std::uint32_t slot = 0;
    published_counts published; // what the process's counters know already

    region_stack regions;
    sample_ring samples;
    shared_words shared;
};

// The fast path's view of the calling thread. Trivially destructible and initial-exec (DESIGN 1):
// valid until the thread's very last instruction.
struct thread_words {
    thread_heap *active;      // the thread's heap, or one without room
    thread_heap *own;         // null before the first scratch call
    std::uintptr_t inside;    // stack pointer of the slow path that is running, 0 if none
    std::uintptr_t stack_top; // where depth is measured from
    std::uint32_t countdown;  // calls until the next sample (adaptive)
    std::uint32_t starting;   // this thread resolves the next allocator now
};
extern thread_heap no_heap __attribute__((visibility("hidden")));
extern __thread thread_words this_thread
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

// --- the hot path -------------------------------------------------------------------------------

// A new block that ends below `limit`, or null where a slow path has to decide.
template <std::size_t largest = largest_small_block>
[[gnu::always_inline]] inline void *try_push_below(const std::uintptr_t &limit, thread_heap *heap,
                                                   std::size_t size, std::uint32_t site) noexcept {
    if (size > largest) [[unlikely]]
        return nullptr;
    const std::size_t padded = padded_size(size);
    std::uintptr_t top = heap->top;
    for (;;) {
        if (top + padded > limit) [[unlikely]]
            return nullptr;
        if (exchange_if_same(heap->top, top, top + padded)) [[likely]]
            break;
    }
    auto *pushed = reinterpret_cast<block *>(top);
    pushed->size = static_cast<std::uint32_t>(padded);
    pushed->site = site;
    pushed->state_and_hole() = live_above_no_hole;
    ++heap->scratch_calls;
    heap->scratch_bytes += padded;
    return pushed->payload();
}

template <std::size_t largest = largest_small_block>
[[gnu::always_inline]] inline void *try_push(thread_heap *heap, std::size_t size,
                                             std::uint32_t site) noexcept {
    return try_push_below<largest>(heap->limit, heap, size, site);
}

// Everything that release() below does not do itself.
void release_slowly(block *freed) noexcept;
void release_newest_slowly(thread_heap *heap, block *newest) noexcept;
void retired_chunk_died(chunk *dead) noexcept;
void pop_over_holes(thread_heap *heap, block *freed) noexcept;

// Live becomes freed, and anything else stays what it is: one instruction to find out and do it,
// since freed is what remains of live without the bits of live.
[[gnu::always_inline]] inline bool mark_freed(block &marked) noexcept {
    constexpr auto live = static_cast<std::uint32_t>(block_state::live);
    auto &state = *reinterpret_cast<half_word_of_header *>(&marked.state);
    if (flip_reaches_zero(state, live)) [[likely]]
        return true;
    state ^= live;
    return false;
}

// Frees a block of ours.
[[gnu::always_inline]] inline void release(void *payload) noexcept {
    block *freed = block_of(payload);
    thread_heap *heap = this_thread.active;
    const std::uint32_t size = freed->size;
    std::uintptr_t end = sum_of(reinterpret_cast<std::uintptr_t>(freed), size);
    if (end == heap->top) {
        if (freed->state_and_hole() != live_above_no_hole) [[unlikely]]
            return release_newest_slowly(heap, freed);
        freed->state = block_state::freed;
        if (exchange_if_same(heap->top, end, reinterpret_cast<std::uintptr_t>(freed))) [[likely]]
            return;
        // A handler pushed above it meanwhile: it is a hole now.
        end = sum_of(reinterpret_cast<std::uintptr_t>(freed), size);
    } else {
        if (chunk_of(freed)->owner != heap) [[unlikely]]
            return release_slowly(freed);
        if (!mark_freed(*freed)) [[unlikely]]
            return release_slowly(freed);
    }
    reinterpret_cast<block *>(end)->hole_below =
        size + freed->hole_below;
    if (subtract_reaches_zero(chunk_of(freed)->live, size)) [[unlikely]]
        retired_chunk_died(chunk_of(freed));
}

// --- slow paths ----------------------------------------------------------------------------------

// A block of at least `size` bytes at `alignment` (a power of two, at most largest_alignment) on
// the open stack of the calling thread, whatever it takes: a further chunk, a large block. Null
// where the call shall go to `next`: nothing is open, the budget is reached, there is no memory, or
// the shim was interrupted.
inline constexpr std::size_t largest_alignment = 4096;
void *push_slowly(std::size_t size, std::size_t alignment, std::uint32_t site) noexcept;

// Grows or shrinks a live block where it stands; false where it cannot.
bool resize_in_place(void *payload, std::size_t size) noexcept;

// Whether a block just pushed reads as zero already: large ones on fresh pages.
bool is_known_zero(void *payload) noexcept;

// Bytes that the program may use at `payload`, a live block of ours.
std::size_t usable_size(void *payload) noexcept;

} // namespace scratch::shim
