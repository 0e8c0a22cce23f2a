// How often hooked functions are called: counted in the thread's heap, as all that is frequent, and
// added to the table's entries when another function needs the place, and for the report.
#pragma once

#include "shim/heap/thread_heap.hpp"
#include "shim/hook/table.hpp"
#include "shim/observe/report.hpp"

namespace scratch::shim {

[[gnu::always_inline]] inline void add_to_entry(hook_count &count) noexcept {
    if (count.calls != 0) count.entry->calls.fetch_add(count.calls, std::memory_order_relaxed);
    count.calls = 0;
}

// Gives each entry its place among a heap's counts, which it shares with every eighth. Once, at
// start; until then all have the first.
void place_hook_counts() noexcept;

// By the heap's owner, under the inside word.
[[gnu::always_inline]] inline void count_hooked_call(thread_heap *heap,
                                                     hook_entry *entry) noexcept {
    hook_count &count = *reinterpret_cast<hook_count *>(
        reinterpret_cast<char *>(heap->hook_counts) + entry->count_place);
    if (count.entry != entry) [[unlikely]] {
        add_to_entry(count);
        count.entry = entry;
    }
    // Compilers would make two ways of it that know the number, or do not.
    signal_fence();
    ++count.calls;
}

void publish_hook_counts(thread_heap *heap) noexcept;

// Fills the lines with the hooked functions that were called most, most first; returns how many.
std::size_t list_hooked(std::span<hook_line> lines) noexcept;

// A forked child counts from here.
void forget_hook_counts() noexcept;

} // namespace scratch::shim
