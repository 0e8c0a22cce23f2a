// One thread's heap: the stack of blocks that its scratch calls get, as a list of chunks in the
// order of time.
//
// Who may touch what: everything here belongs to the thread that owns the heap, except the words
// named `shared`. A signal handler counts as that thread, and may interrupt anything. So whoever
// moves `top` holds the inside word meanwhile (DESIGN 18): the calls of a handler find it held and
// go round, malloc to the next allocator, free to the list of remote frees. To mark a hole in the
// current chunk takes no such care, for the three instructions that it would cost: it writes into
// headers that nobody else writes, unless a handler retires that very chunk between two of its
// instructions: then that chunk is not used again before (settle_first).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shim/heap/block.hpp"
#include "shim/heap/chunk.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/reservation.hpp"
#include "shim/heap/signal_atomic.hpp"
#ifdef __APPLE__
#include "shim/heap/this_thread_darwin.hpp"
#endif
#include "shim/region/region.hpp"
#include "shim/region/rests.hpp"
#include "shim/route/samples.hpp"

namespace scratch::shim {

// What other threads may touch, on a cache line of its own.
struct alignas(64) shared_words {
    std::atomic<std::uint32_t> thread_id{0}; // the owner's, as the kernel names it; 0: being set up
    std::atomic<std::uint32_t> process{0};   // in which the owner was last seen
    std::atomic<std::uint32_t> remote_frees{0}; // the newest block freed by others, compressed
    std::atomic<bool> left_by_others{false};    // whether there is news in `left`
    std::atomic<bool> abandoned{false};         // torn by a longjmp or a fork: nobody adopts it
    // For each depth the newest region there that others left, by its serial: other threads, and
    // signal handlers that interrupted a slow path.
    std::atomic<std::uint32_t> left[deepest_region]{};
};

struct call_counts {
    std::uint64_t regions_entered = 0;
    std::uint64_t scratch_calls = 0;
    std::uint64_t scratch_bytes = 0;
    std::uint64_t next_calls = 0;
    std::uint64_t next_bytes = 0;
};

// Calls of one hooked function since they were last added to its entry.
struct hook_count {
    struct hook_entry *entry = nullptr;
    std::uint64_t calls = 0;
};

// As the size of the machine stack that a region serves: its calls may come from anywhere.
inline constexpr std::uintptr_t any_stack = UINTPTR_MAX;

// What the hot path works on. In memory of the heap, reached by a pointer: stores through the
// thread's segment register are forwarded to loads a nanosecond later.
struct hot_words {
    std::uintptr_t top = 0; // where the next block's header goes
    // The most that top may become. 0 while plain calls are not to be pushed: no chunk is open, or,
    // in mode scoped, no region is (tagged calls then go by the chunk's own limit); and while brief
    // blocks are, for which it is the other one.
    std::uintptr_t limit = 0;
    std::uintptr_t brief_limit = 0;
    // Stack pointer of the call that moves top or runs a slow path; 0: none.
    std::uintptr_t inside = 0;
    chunk *current = nullptr; // the heap's, and null while a slow path runs
    // How far above the begin of the thread's machine stack the calls of the innermost region come
    // from; any_stack where that is not asked.
    std::uintptr_t stack_size = any_stack;
    call_counts counted;
};

struct alignas(64) thread_heap {
    hot_words hot;
    chunk *current = nullptr; // where top is, null while none is open
    chunk *retired = nullptr; // full or left, and blocks in them still live; newest first
    chunk *large = nullptr;   // blocks with chunks of their own, of no open region
    chunk *spare = nullptr;   // one, kept for the next need
    // Whether a chunk that nobody uses is charged still: [1] as one of a trusted region, [0] to the
    // budget. Two regions one after the other so need no word that other threads write.
    bool charged_ahead[2] = {};
    std::uint32_t retired_count = 0; // outside regions, and not looked at by adaptive mode
    // Chunks of brief blocks since the last of them were looked through, and how many were left.
    std::uint32_t waiting_for_sweep = 0;
    std::uint32_t lived_at_sweep = 0;
    std::uint32_t refused_since_sweep = 0;
    const block *lives_since_sweep = nullptr; // one that did
    std::uint32_t slot = 0;
    bool plain_calls_outside = false; // are pushed for now, though no region is open
    std::size_t pinned = 0;           // dead bytes in retired chunks that wait for their last free
    // What the process's counters know already.
    call_counts published;
    std::size_t published_pinned = 0;

    hook_count hook_counts[8];
    region_stack regions;
    region_rests rests;
    sample_ring samples;
    shared_words shared;
};

// Stand where a thread has no words, or none for this purpose: nothing is pushed, popped or ever
// written here.
extern hot_words no_words __attribute__((visibility("hidden")));

// What belongs to the calling thread. Trivially destructible and initial-exec (DESIGN 1): valid
// until the thread's very last instruction.
struct thread_words {
    hot_words *hot = &no_words;               // the own heap's
    hot_words *open = &no_words;              // the same while malloc itself may push (see exports)
    thread_heap *own = nullptr;               // null before the first scratch call
    std::uintptr_t slow = 0;                  // stack pointer of the slow path that runs, 0: none
    std::uintptr_t stack_top = 0;             // where depth is measured from
    std::uint32_t countdown = first_interval; // calls until the next sample (adaptive)
    std::uint32_t interval = first_interval;  // what countdown began at
    std::uint32_t starting = 0;               // this thread resolves the next allocator now
    // Part of a machine stack that was found readable: where hooks copy arguments across pages.
    std::uintptr_t readable_begin = 0;
    std::uintptr_t readable_end = 0;
    // The thread's own machine stack, once a region asked for it (region/own_stack.hpp).
    std::uintptr_t stack_begin = 0;
    std::uintptr_t stack_size = 0; // 0: not known
};
#ifndef __APPLE__
extern __thread thread_words this_thread
    __attribute__((tls_model("initial-exec"), visibility("hidden")));
#endif

// --- the hot path -------------------------------------------------------------------------------

[[gnu::always_inline]] inline void take_inside_word(hot_words &hot) noexcept {
#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=m"(hot.inside)::"memory");
#else
    hot.inside = stack_pointer();
    signal_fence();
#endif
}

[[gnu::always_inline]] inline void give_inside_word(hot_words &hot) noexcept {
    signal_fence();
    hot.inside = 0;
}

// The single place where top moves. Under the inside word.
[[gnu::always_inline]] inline void move_top(hot_words &hot, std::uintptr_t to) noexcept {
    hot.top = to;
}

// Whether a push is counted and its site noted, for the statistics.
enum class counted : bool { no, yes };

// Writes the header of a block at top, which has room for it, and moves top above it. Under the
// inside word.
template <counted count>
[[gnu::always_inline]] inline void *push_here(hot_words &hot, std::uintptr_t top,
                                              std::size_t padded, std::uint32_t site) noexcept {
    move_top(hot, top + padded);
    auto *pushed = reinterpret_cast<block *>(top);
    pushed->state_and_hole() = live_above_no_hole;
    if constexpr (count == counted::no) {
        pushed->size_and_site() = padded;
    } else {
        pushed->size = static_cast<std::uint32_t>(padded);
        pushed->site = site;
        ++hot.counted.scratch_calls;
        hot.counted.scratch_bytes += padded;
    }
    return pushed->payload();
}

// The same for a brief block. `padded` is for one without a site where it is not counted.
template <counted count>
[[gnu::always_inline]] inline void *push_brief_here(hot_words &hot, std::uintptr_t top,
                                                    std::size_t padded,
                                                    std::uint32_t site) noexcept {
    move_top(hot, top + padded);
    auto *pushed = reinterpret_cast<block *>(top);
    pushed->state = block_state::brief;
    pushed->brief_word = static_cast<std::uint32_t>(padded);
    if constexpr (count == counted::yes) {
        pushed->brief_word |= brief_with_site;
        pushed->site_of_brief() = site;
        ++hot.counted.scratch_calls;
        hot.counted.scratch_bytes += padded;
    }
    return pushed->payload();
}

template <counted count>
constexpr std::size_t padded_for(std::size_t size) noexcept {
    return count == counted::yes ? padded_size(size) : padded_brief_size(size);
}

template <counted count>
[[gnu::always_inline]] inline void *try_push_brief(hot_words &hot, std::size_t size,
                                                   std::uint32_t site) noexcept {
    if (hot.inside != 0) [[unlikely]]
        return nullptr;
    if (size > largest_small_block) [[unlikely]]
        return nullptr;
    const std::size_t padded = padded_for<count>(size);
    take_inside_word(hot);
    const std::uintptr_t top = hot.top;
    if (top + padded > hot.brief_limit) [[unlikely]] {
        give_inside_word(hot);
        return nullptr;
    }
    void *pushed = push_brief_here<count>(hot, top, padded, site);
    give_inside_word(hot);
    return pushed;
}

// A new block on the stack of `hot`, or null where a slow path has to decide.
template <counted count = counted::yes, std::size_t largest = largest_small_block>
[[gnu::always_inline]] inline void *try_push(hot_words &hot, std::size_t size,
                                             std::uint32_t site) noexcept {
    if (hot.inside != 0) [[unlikely]]
        return nullptr;
    if (size > largest) [[unlikely]]
        return nullptr;
    const std::size_t padded = padded_size(size);
    take_inside_word(hot);
    const std::uintptr_t top = hot.top;
    if (top + padded > hot.limit) [[unlikely]] {
        give_inside_word(hot);
        return nullptr;
    }
    void *pushed = push_here<count>(hot, top, padded, site);
    give_inside_word(hot);
    return pushed;
}

// The same wherever a chunk is open, though plain calls may not be pushed there.
[[gnu::always_inline]] inline void *try_push_tagged(hot_words &hot, std::size_t size,
                                                    std::uint32_t site) noexcept {
    if (hot.inside != 0 || size > largest_small_block) return nullptr;
    take_inside_word(hot);
    void *pushed = nullptr;
    if (hot.current != nullptr && hot.top + padded_size(size) <= hot.current->limit())
        pushed = hot.current->brief
                     ? push_brief_here<counted::yes>(hot, hot.top, padded_size(size), site)
                     : push_here<counted::yes>(hot, hot.top, padded_size(size), site);
    give_inside_word(hot);
    return pushed;
}

// In a region, whichever blocks it has.
template <counted count>
[[gnu::always_inline]] inline void *try_push_in_region(hot_words &hot, std::size_t size,
                                                       std::uint32_t site) noexcept {
    return hot.brief_limit != 0 ? try_push_brief<count>(hot, size, site)
                                : try_push<count>(hot, size, site);
}

// Everything that release() below does not do itself.
void release_slowly(block *freed) noexcept;
void release_newest_slowly(block *newest) noexcept;
void release_elsewhere(block *freed) noexcept;

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

// Frees a brief block, and tells whether it was one: by whatever thread, since nothing is counted.
// If two free one at the same instant both may be taken for the first, and nothing comes of it.
[[gnu::always_inline]] inline bool mark_brief_freed(block &marked) noexcept {
    if (marked.state != block_state::brief) [[unlikely]]
        return false;
    auto *state = reinterpret_cast<std::uint32_t *>(&marked.state);
    __atomic_store_n(state, static_cast<std::uint32_t>(block_state::freed), __ATOMIC_RELEASE);
    return true;
}

// Frees a block of ours.
[[gnu::always_inline]] inline void release(void *payload) noexcept {
    block *freed = block_of(payload);
    if (mark_brief_freed(*freed)) [[likely]]
        return;
    hot_words &hot = *this_thread.hot;
    const std::uintptr_t end = sum_of(reinterpret_cast<std::uintptr_t>(freed), freed->size);
    if (end == hot.top) {
        if (hot.inside != 0) [[unlikely]]
            return release_slowly(freed);
        take_inside_word(hot);
        // A handler may have pushed above it since the first look.
        if (end == hot.top && freed->state_and_hole() == live_above_no_hole) [[likely]] {
            freed->state = block_state::freed;
            move_top(hot, reinterpret_cast<std::uintptr_t>(freed));
            give_inside_word(hot);
            return;
        }
        give_inside_word(hot);
        return release_newest_slowly(freed);
    }
    if (chunk_of(freed) != hot.current) [[unlikely]]
        return release_elsewhere(freed);
    if (!mark_freed(*freed)) [[unlikely]]
        return release_slowly(freed);
    reinterpret_cast<block *>(end)->hole_below = freed->size + freed->hole_below;
}

// --- slow paths ----------------------------------------------------------------------------------

// A block of at least `size` bytes at `alignment` (a power of two, at most largest_alignment) on
// the open stack of the calling thread, whatever it takes: a further chunk, a large block. Null
// where the call shall go to `next`: nothing is open, the budget is reached, there is no memory, or
// the shim was interrupted.
inline constexpr std::size_t largest_alignment = 4096;
void *push_slowly(std::size_t size, std::size_t alignment, std::uint32_t site,
                  std::uintptr_t frame = 0) noexcept;

// Opens a further chunk where the current one has no room for a block of `size` bytes (at most
// largest_small_block) and chunks hold less than `share` of the budget; false where there is no
// room then. Under the inside word.
bool make_room(thread_heap *heap, std::size_t size, std::size_t share) noexcept;

// Grows or shrinks a live block where it stands; false where it cannot.
bool resize_in_place(void *payload, std::size_t size) noexcept;

// Whether a block just pushed reads as zero already: large ones on fresh pages.
bool is_known_zero(void *payload) noexcept;

// Bytes that the program may use at `payload`, a live block of ours.
std::size_t usable_size(void *payload) noexcept;

} // namespace scratch::shim
