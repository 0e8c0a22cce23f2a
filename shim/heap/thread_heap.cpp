#include "shim/heap/thread_heap.hpp"

#include <algorithm>

#include "shim/heap/chunks.hpp"
#include "shim/heap/fatal.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/large.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/remote.hpp"
#include "shim/heap/threads.hpp"
#include "shim/observe/counters.hpp"
#include "shim/route/samples.hpp"

namespace scratch::shim {

constinit hot_words no_words{.top = 0, .limit = 0, .inside = 1, .current = nullptr, .counted = {}};
#ifndef __APPLE__
constinit __thread thread_words this_thread __attribute__((tls_model("initial-exec"))) = {};
#endif

namespace {

std::uintptr_t limit_of_current(const thread_heap *heap) noexcept {
    return heap->current == nullptr ? 0 : heap->current->limit();
}

// Null where the current chunk has no room. What alignment passes over is a hole beneath the block.
void *push_in_current(thread_heap *heap, std::size_t size, std::size_t alignment,
                      std::uint32_t site) noexcept {
    const std::uintptr_t top = heap->hot.top;
    const std::uintptr_t mask = (alignment > sizeof(block) ? alignment : sizeof(block)) - 1;
    const std::uintptr_t target = ((top + sizeof(block) + mask) & ~mask) - sizeof(block);
    const std::size_t padded = padded_size(size);
    if (target + padded > limit_of_current(heap)) return nullptr;
    const auto gap = static_cast<std::uint32_t>(target - top);
    if (heap->current->brief) {
        auto *passed = reinterpret_cast<block *>(top);
        if (gap != 0) {
            passed->state = block_state::freed;
            passed->brief_word = gap;
        }
        return push_brief_here<counted::yes>(heap->hot, target, padded, site);
    }
    if (gap != 0) *reinterpret_cast<block *>(top) = {gap, 0, block_state::freed, {0}};
    void *pushed = push_here<counted::yes>(heap->hot, target, padded, site);
    block_of(pushed)->hole_below = gap;
    return pushed;
}

void leave_hole(block *freed) noexcept {
    freed->above()->hole_below = freed->size + freed->hole_below;
}

void pop_over_holes(hot_words &hot, block *newest) noexcept {
    auto *lowest = newest;
    while (lowest->hole_below != 0) {
        lowest = reinterpret_cast<block *>(reinterpret_cast<char *>(lowest) - lowest->hole_below);
        if (reinterpret_cast<std::uintptr_t>(lowest) < chunk_of(newest)->begin())
            refuse_to_go_on(newest->payload());
    }
    move_top(hot, reinterpret_cast<std::uintptr_t>(lowest));
}

bool is_newest(const hot_words &hot, block *b) noexcept {
    return reinterpret_cast<std::uintptr_t>(b->above()) == hot.top;
}

// Counts the bytes of a block just freed out of its chunk; true if nothing lives in it any more.
// Open chunks are counted when they retire, some of trusted regions when their region ends.
bool was_last(thread_heap *heap, chunk *home, std::uint32_t size) noexcept {
    if (home->use != chunk_use::retired || !home->settled) return false;
    if (!home->trusted) heap->pinned += size;
    return (home->live -= size) == 0;
}

// Under the inside word, in a chunk of the thread's own heap. True if that was the last live block
// of a retired chunk.
bool free_small(thread_heap *heap, block *freed) noexcept {
    freed->state = block_state::freed;
    if (is_newest(heap->hot, freed)) {
        pop_over_holes(heap->hot, freed);
        return false;
    }
    leave_hole(freed);
    return was_last(heap, chunk_of(freed), freed->size);
}

// The same in a chunk of brief blocks that outlived their region.
bool free_outlived(thread_heap *heap, block *freed) noexcept {
    freed->state = block_state::freed;
    return was_last(heap, chunk_of(freed), freed->brief_size());
}

} // namespace

void free_as_owner(thread_heap *heap, block *freed) noexcept {
    switch (freed->state) {
    case block_state::sampled:
        sample_freed(heap, *freed);
        [[fallthrough]];
    case block_state::live:
        if (free_small(heap, freed)) give_back_dead(heap, chunk_of(freed));
        return;
    case block_state::large:
        return release_large(heap, freed);
    case block_state::brief:
        freed->state = block_state::freed;
        return;
    case block_state::outlived:
        if (free_outlived(heap, freed)) give_back_dead(heap, chunk_of(freed));
        return;
    case block_state::freed:
        break;
    }
    refuse_to_free(freed->payload());
}

[[gnu::noinline]] void release_slowly(block *freed) noexcept {
    check_freeable(freed);
    chunk *home = chunk_of(freed);
    if (home->owner == this_thread.own) {
        const inside here;
        if (here) {
            free_as_owner(this_thread.own, freed);
            return;
        }
    }
    free_remotely(home->owner, freed);
}

void release_newest_slowly(block *newest) noexcept {
    hot_words &hot = *this_thread.hot;
    if (newest->state != block_state::live || hot.inside != 0) return release_slowly(newest);
    take_inside_word(hot);
    const bool still_newest = is_newest(hot, newest);
    if (still_newest) {
        newest->state = block_state::freed;
        pop_over_holes(hot, newest);
    }
    give_inside_word(hot);
    if (!still_newest) release(newest->payload());
}

namespace {

[[gnu::noinline]] void give_back_if_dead(chunk *home) noexcept {
    // A handler that interrupted us since may have given it back already.
    if (const inside here; here && home->use == chunk_use::retired && home->live == 0 &&
                           home->owner == this_thread.own)
        give_back_dead(this_thread.own, home);
}

// In the open chunk of an outer region: its top is where this region began.
[[gnu::noinline]] void release_in_outer(block *freed) noexcept {
    hot_words &hot = *this_thread.hot;
    take_inside_word(hot);
    const bool marked = mark_freed(*freed);
    if (marked) leave_hole(freed);
    give_inside_word(hot);
    if (!marked) release_slowly(freed);
}

} // namespace

// Saves no register: what is rare is behind a jump.
void release_elsewhere(block *freed) noexcept {
    chunk *home = chunk_of(freed);
    hot_words &hot = *this_thread.hot;
    if (home->owner != this_thread.own || hot.inside != 0) [[unlikely]]
        return release_slowly(freed);
    if (home->use != chunk_use::retired) [[unlikely]]
        return release_in_outer(freed);
    if (!home->settled) {
        // The end of its region will count what lives.
        if (!mark_freed(*freed)) [[unlikely]]
            release_slowly(freed);
        return;
    }
    take_inside_word(hot);
    if (!mark_freed(*freed)) [[unlikely]] {
        give_inside_word(hot);
        return release_slowly(freed);
    }
    const bool died = was_last(this_thread.own, home, freed->size);
    give_inside_word(hot);
    if (died) [[unlikely]]
        give_back_if_dead(home);
}

void *push_slowly(std::size_t size, std::size_t alignment, std::uint32_t site,
                  std::uintptr_t frame) noexcept {
    const inside here(frame);
    if (!here) return nullptr;
    thread_heap *heap = start_own_heap();
    if (heap == nullptr) return nullptr;
    drain_remote_frees(heap);

    const std::size_t room = alignment > sizeof(block) ? size + alignment : size;
    if (size > largest_small_block || room > largest_small_block)
        return push_large(heap, size, std::max(alignment, sizeof(block)), site);
    if (void *pushed = push_in_current(heap, size, alignment, site)) return pushed;
    retire_current(heap);
    if (open_chunk(heap) || (reclaim_from_dead_thread() && open_chunk(heap)))
        return push_in_current(heap, size, alignment, site);
    if (!budget_has_room()) counters().budget_refusals.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
}

bool make_room(thread_heap *heap, std::size_t size, std::size_t share) noexcept {
    drain_remote_frees(heap);
    if (heap->hot.top + padded_size(size) <= limit_of_current(heap)) return true;
    if (!budget_has_room_below(share)) return false;
    retire_current(heap);
    return open_chunk(heap);
}

namespace {

// Moves the end of the newest block, whose size is in that word with `mark` beside it.
bool resize_newest(block *resized, std::uint32_t &word, std::size_t padded,
                   std::uint32_t mark) noexcept {
    hot_words &hot = *this_thread.hot;
    const auto begin = reinterpret_cast<std::uintptr_t>(resized);
    const auto is_newest_still = [&] { return begin + (word & ~std::uint32_t{15}) == hot.top; };
    if (!is_newest_still() || hot.inside != 0) return false;
    take_inside_word(hot);
    const bool fits = is_newest_still() && begin + padded <= chunk_of(resized)->limit();
    if (fits) {
        word = static_cast<std::uint32_t>(padded) | mark;
        move_top(hot, begin + padded);
    }
    give_inside_word(hot);
    return fits;
}

} // namespace

bool resize_in_place(void *payload, std::size_t size) noexcept {
    block *resized = block_of(payload);
    if (resized->state == block_state::large) return resize_large(resized, size);
    if (!is_live(resized->state)) refuse_to_free(payload);
    const bool small = size <= largest_small_block;
    if (resized->is_brief()) {
        const std::uint32_t mark = resized->brief_word & brief_with_site;
        const std::size_t padded = mark != 0 ? padded_size(size) : padded_brief_size(size);
        const std::uint32_t site = mark != 0 ? resized->site_of_brief() : 0;
        if (small && resize_newest(resized, resized->brief_word, padded, mark)) {
            if (mark != 0) resized->site_of_brief() = site;
            return true;
        }
    } else if (small && resize_newest(resized, resized->size, padded_size(size), 0)) {
        return true;
    }
    // A block that would waste more than half of itself is better moved.
    const std::size_t usable = usable_size(payload);
    return size <= usable && size >= usable / 2;
}

bool is_known_zero(void *payload) noexcept {
    return block_of(payload)->state == block_state::large && chunk_of(payload)->zeroed;
}

std::size_t usable_size(void *payload) noexcept {
    const block *asked = block_of(payload);
    if (asked->state == block_state::large) return chunk_of(asked)->large_size;
    return asked->is_brief() ? asked->brief_payload_size() : asked->payload_size();
}

} // namespace scratch::shim
