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

constinit __thread thread_words this_thread __attribute__((tls_model("initial-exec"))) = {};

namespace {

std::uintptr_t limit_of_current(const thread_heap *heap) noexcept {
    return heap->current == nullptr ? 0 : heap->current->limit();
}

// Null where the current chunk has no room. What alignment passes over is a hole beneath the block.
void *push_in_current(const thread_heap *heap, std::size_t size, std::size_t alignment,
                      std::uint32_t site) noexcept {
    const std::uintptr_t top = this_thread.top;
    const std::uintptr_t mask = (alignment > sizeof(block) ? alignment : sizeof(block)) - 1;
    const std::uintptr_t target = ((top + sizeof(block) + mask) & ~mask) - sizeof(block);
    const std::size_t padded = padded_size(size);
    if (target + padded > limit_of_current(heap)) return nullptr;
    const auto gap = static_cast<std::uint32_t>(target - top);
    if (gap != 0) *reinterpret_cast<block *>(top) = {gap, 0, block_state::freed, 0};
    void *pushed = push_here<counted::yes>(target, padded, site);
    block_of(pushed)->hole_below = gap;
    return pushed;
}

void leave_hole(block *freed) noexcept {
    freed->above()->hole_below = freed->size + freed->hole_below;
}

void pop_over_holes(block *newest) noexcept {
    auto *lowest = newest;
    while (lowest->hole_below != 0) {
        lowest = reinterpret_cast<block *>(reinterpret_cast<char *>(lowest) - lowest->hole_below);
        if (reinterpret_cast<std::uintptr_t>(lowest) < chunk_of(newest)->begin())
            refuse_to_go_on(newest->payload());
    }
    move_top(reinterpret_cast<std::uintptr_t>(lowest));
}

bool is_newest(block *b) noexcept {
    return reinterpret_cast<std::uintptr_t>(b->above()) == this_thread.top;
}

// Under the inside word, in a chunk of the thread's own heap. True if that was the last live block
// of a retired chunk.
bool free_small(block *freed) noexcept {
    freed->state = block_state::freed;
    if (is_newest(freed)) {
        pop_over_holes(freed);
        return false;
    }
    leave_hole(freed);
    chunk *home = chunk_of(freed);
    return home->use == chunk_use::retired && (home->live -= freed->size) == 0;
}

} // namespace

void free_as_owner(thread_heap *heap, block *freed) noexcept {
    switch (freed->state) {
    case block_state::sampled:
        sample_freed(heap, *freed);
        [[fallthrough]];
    case block_state::live:
        if (free_small(freed)) give_back_dead(heap, chunk_of(freed));
        return;
    case block_state::large:
        return release_large(heap, freed);
    case block_state::freed:
        break;
    }
    refuse_to_free(freed->payload());
}

void release_slowly(block *freed) noexcept {
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
    if (newest->state != block_state::live || this_thread.inside != 0)
        return release_slowly(newest);
    take_inside_word();
    const bool still_newest = is_newest(newest);
    if (still_newest) {
        newest->state = block_state::freed;
        pop_over_holes(newest);
    }
    give_inside_word();
    if (!still_newest) release(newest->payload());
}

void release_elsewhere(block *freed) noexcept {
    chunk *home = chunk_of(freed);
    if (home->owner != this_thread.own || this_thread.inside != 0) return release_slowly(freed);
    take_inside_word();
    const bool marked = mark_freed(*freed);
    bool died = false;
    if (marked) {
        leave_hole(freed);
        died = home->use == chunk_use::retired && (home->live -= freed->size) == 0;
    }
    give_inside_word();
    if (!marked) return release_slowly(freed);
    if (!died) return;
    // A handler that interrupted us between may have given it back already.
    if (const inside here; here && home->use == chunk_use::retired && home->live == 0 &&
                           home->owner == this_thread.own)
        give_back_dead(this_thread.own, home);
}

void *push_slowly(std::size_t size, std::size_t alignment, std::uint32_t site) noexcept {
    const inside here;
    if (!here) return nullptr;
    thread_heap *heap = start_own_heap();
    if (heap == nullptr) return nullptr;
    drain_remote_frees(heap);

    const std::size_t room = alignment > sizeof(block) ? size + alignment : size;
    if (size > largest_small_block || room > largest_small_block)
        return push_large(heap, size, std::max(alignment, sizeof(block)), site);
    if (void *pushed = push_in_current(heap, size, alignment, site)) return pushed;
    retire_current(heap);
    if (open_chunk(heap)) return push_in_current(heap, size, alignment, site);
    if (!budget_has_room()) counters().budget_refusals.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
}

bool resize_in_place(void *payload, std::size_t size) noexcept {
    block *resized = block_of(payload);
    if (resized->state == block_state::large) return resize_large(resized, size);
    if (resized->state != block_state::live && resized->state != block_state::sampled)
        refuse_to_free(payload);
    if (size <= largest_small_block && is_newest(resized) && this_thread.inside == 0) {
        const auto begin = reinterpret_cast<std::uintptr_t>(resized);
        const std::size_t padded = padded_size(size);
        take_inside_word();
        const bool fits = is_newest(resized) && begin + padded <= chunk_of(resized)->limit();
        if (fits) {
            resized->size = static_cast<std::uint32_t>(padded);
            move_top(begin + padded);
        }
        give_inside_word();
        if (fits) return true;
    }
    // A block that would waste more than half of itself is better moved.
    return size <= resized->payload_size() && size >= resized->payload_size() / 2;
}

bool is_known_zero(void *payload) noexcept {
    return block_of(payload)->state == block_state::large && chunk_of(payload)->zeroed;
}

std::size_t usable_size(void *payload) noexcept {
    const block *asked = block_of(payload);
    return asked->state == block_state::large ? chunk_of(asked)->large_size : asked->payload_size();
}

} // namespace scratch::shim
