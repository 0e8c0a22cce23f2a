// The decision for one call: `scratch` or `next`.
//
// The exports come here with the caller's address; a null answer means that the call goes to the
// next allocator.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/heap/thread_heap.hpp"
#include "shim/lifecycle/configuration.hpp"
#include "shim/route/entries.hpp"
#include "shim/route/origin.hpp"

namespace scratch::shim {

// Directs the entry points: called at start, and by adaptive mode when it decides.
void direct_entries(run_mode mode, bool count_calls) noexcept;

// The same again, after something that decides about them has changed.
void redirect_entries() noexcept;

// Whether calls are counted: only where statistics or counters were asked for, since two additions
// to memory are a twentieth of a scratch call.
bool is_counting() noexcept;

// All calls to the next allocator from now on; blocks that are on stacks stay valid.
void stand_aside() noexcept;

bool regions_allowed() noexcept;

// Mode check: regions are scopes of checked blocks, and no chunk is ever opened.
bool blocks_are_checked() noexcept;

// Whether plain calls outside regions go to `next`, all of them (mode scoped).
bool regions_alone_are_served() noexcept;

void *push_or_count(std::size_t size, std::size_t alignment, origin from) noexcept;

// Whether a call of an export without an entry point goes to `next` and there is nothing else to
// do.
[[gnu::always_inline]] inline bool passes_at_once() noexcept {
    if (!entries.routing) return true;
    if (!entries.only_sampling || this_thread.countdown == 1) return false;
    --this_thread.countdown;
    return true;
}

// For the exports without an entry point. Null: go to `next`. `alignment` is a power of two.
[[gnu::always_inline]] inline void *push_if_tagged(std::size_t size, std::size_t alignment,
                                                   origin from) noexcept {
    return passes_at_once() ? nullptr : push_or_count(size, alignment, from);
}

// On the stack of the innermost region; null if there is none, or it has no room, or the runtime
// calls for itself.
void *push_in_region(std::size_t size, std::size_t alignment, origin from) noexcept;

// The next operator new, found by the caller's module if need be. Throws what that throws.
void *call_next_new(std::size_t size, std::uintptr_t caller);

// A tagged call: scratch wherever the thread is, unless the shim stood aside.
void *push_tagged(std::size_t size, std::uintptr_t caller) noexcept;

// The same, and else the next allocator's malloc.
void *allocate_tagged(std::size_t size, std::uintptr_t caller) noexcept;

// Whether the C++ operators may be served from scratch: not in a program that has some of its own.
bool operators_are_routed() noexcept;

// Counts a call that goes to `next`, where statistics were asked for.
void count_next_call(std::size_t size) noexcept;

} // namespace scratch::shim
