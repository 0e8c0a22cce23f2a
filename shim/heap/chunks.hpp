// Chunks as a heap uses them: taken under the budget, retired, died. All under the inside word.
#pragma once

#include <cstddef>

#include "shim/heap/thread_heap.hpp"

namespace scratch::shim {

// The most bytes that chunks outside trusted regions may hold; set once at start.
void set_budget(std::size_t bytes) noexcept;

// False while a further chunk outside trusted regions would pass the budget: cheap, for the way to
// `next`.
bool budget_has_room() noexcept;
// The same for a user who keeps below a share of it.
bool budget_has_room_below(std::size_t bytes) noexcept;

// Whether plain calls are pushed outside regions too (adaptive mode), or only tagged ones.
void push_outside_regions(bool plain_calls) noexcept;

// Whether a chunk that its heap keeps may stay charged to the budget: at most half of that is, so
// that threads which do nothing leave the others enough.
struct budget_words {
    std::size_t budget = std::size_t{8} << 20;
    std::atomic<std::size_t> held{0}; // of it
};
extern budget_words budgeted __attribute__((visibility("hidden")));
[[gnu::always_inline]] inline bool may_charge_ahead() noexcept {
    return budgeted.held.load(std::memory_order_relaxed) <= budgeted.budget / 2;
}

// Opens a chunk for `heap`, which must have none open: for its innermost region, or for the thread
// itself outside regions. False where the budget, the range or memory is used up: then nothing is
// open.
bool open_chunk(thread_heap *heap) noexcept;

// Closes the current chunk, settles what it used, and puts it to those of its region (or gives it
// back if nothing in it lives), so that nothing is open afterwards.
void retire_current(thread_heap *heap) noexcept;

// The same for an open chunk whose blocks end at `top`; where they are followed no further, they
// end there.
void retire(thread_heap *heap, chunk *c, std::uintptr_t top) noexcept;

// Counts what is used and what lives in a chunk, from block to block.
void settle(chunk *c, std::uintptr_t top) noexcept;

// What was seen of chunks of brief blocks is no longer so: their region ended.
[[gnu::always_inline]] inline void forget_sweep(thread_heap *heap) noexcept {
    heap->waiting_for_sweep = heap->lived_at_sweep = heap->refused_since_sweep = 0;
    heap->lives_since_sweep = nullptr;
}

// From now on frees are counted in a retired chunk of brief blocks: before it is settled for good.
void let_outlive(chunk *c) noexcept;

// Counts a settled chunk among those that wait for their last free; counts it out again.
void pin(thread_heap *heap, const chunk *c) noexcept;
void unpin(thread_heap *heap, const chunk *c) noexcept;

// A trusted region's chunk that outlives its region counts against the budget from then on.
void settle_as_counted(thread_heap *heap, chunk *c) noexcept;

// Gives a chunk of the heap back, which is in no list: to the heap's spare, else to the pool.
void give_back(thread_heap *heap, chunk *c) noexcept;

// The same for a retired chunk in which nothing lives any more: out of its list first.
void give_back_dead(thread_heap *heap, chunk *dead) noexcept;

// Gives back what a heap keeps for its next need; its thread is gone.
void give_up_reserves(thread_heap *heap) noexcept;

// Writes what is held now into the process's counters, less what is charged ahead.
void publish_holdings(std::size_t ahead_in_budget, std::size_t ahead_trusted) noexcept;

// Sets what push looks at, when a chunk is opened or closed.
void set_top(thread_heap *heap, chunk *current, std::uintptr_t top, std::uintptr_t limit) noexcept;

// Sets what an open chunk leaves as it is, so that a spare one has it already.
[[gnu::always_inline]] inline void blank(chunk *c) noexcept {
    c->live = c->used = 0;
    c->next = c->previous = nullptr;
    c->examined = c->settled = false;
    c->unnoted = nullptr;
    c->span = 1;
}

// Whether some open region is trusted: what the innermost one takes is that one's at the latest.
[[gnu::always_inline]] inline bool is_within_trusted(const thread_heap *heap) noexcept {
    for (std::uint32_t depth = 0; depth < heap->regions.depth; ++depth)
        if (heap->regions.open[depth].trusted) return true;
    return false;
}

// Makes a blank chunk that is charged already the open one, for the region of that serial or, where
// it is 0, for the thread.
[[gnu::always_inline]] inline void make_current(thread_heap *heap, chunk *opened,
                                                std::uint32_t region, bool trusted,
                                                bool for_plain_calls) noexcept {
    // The chunk around tells, where there is one.
    const chunk *around = heap->current;
    const bool within =
        !trusted &&
        (around != nullptr ? around->brief : heap->regions.depth > 1 && is_within_trusted(heap));
    opened->owner = heap;
    opened->region = region;
    opened->use = chunk_use::open;
    opened->trusted = trusted;
    opened->brief = trusted;
    opened->zeroed = false;
    heap->current = opened;
    move_top(heap->hot, opened->begin());
    const std::uintptr_t limit = for_plain_calls ? opened->limit() : 0;
    heap->hot.limit = trusted ? 0 : limit;
    heap->hot.brief_limit = trusted ? limit : 0;
    if (within) [[unlikely]] {
        opened->brief = true;
        heap->hot.limit = 0;
        heap->hot.brief_limit = limit;
    }
}

// Keeps a chunk that was open as the heap's spare one, which it has none of.
[[gnu::always_inline]] inline void make_spare(thread_heap *heap, chunk *c) noexcept {
    c->use = chunk_use::unused;
    c->owner = nullptr;
    heap->spare = c;
}

void link_chunk(chunk *&list, chunk *c) noexcept;
void unlink_chunk(chunk *&list, chunk *c) noexcept;

// The list that a retired chunk or a large block of this heap is in.
chunk *&list_of(thread_heap *heap, const chunk *c) noexcept;

// Calls `visit(block &)` for each block that is still live in a settled chunk.
template <typename Visit>
void for_each_live_block(chunk *c, Visit &&visit) noexcept {
    walk_blocks(*c, c->begin() + c->used, [&](block &at) {
        if (lives(at)) visit(at);
        return false;
    });
}

} // namespace scratch::shim
