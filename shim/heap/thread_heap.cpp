#include "shim/heap/thread_heap.hpp"

#include <algorithm>
#include <cstring>

#include "shim/heap/chunks.hpp"
#include "shim/heap/fatal.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/large.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/remote.hpp"
#include "shim/heap/threads.hpp"
#include "shim/route/samples.hpp"

namespace scratch::shim {

constinit thread_heap no_heap;
constinit __thread thread_words this_thread
    __attribute__((tls_model("initial-exec"))) = {&no_heap, nullptr, 0, 0, calls_per_sample, 0};

namespace {

// Leaves a hole beneath `target` so that it can stand at an alignment above 16.
void fill_gap(thread_heap *heap, std::uintptr_t from, std::uintptr_t target) noexcept {
    auto *gap = reinterpret_cast<block *>(from);
    const auto size = static_cast<std::uint32_t>(target - from);
    *gap = {size, 0, block_state::freed, 0};
    chunk_of(gap)->live -= size;
    set_top(heap, heap->current, target, heap->limit);
}

std::uintptr_t limit_of_current(const thread_heap *heap) noexcept {
    return heap->current == nullptr ? 0 : heap->current->limit();
}

void *push_aligned(thread_heap *heap, std::size_t size, std::size_t alignment,
                   std::uint32_t site) noexcept {
    const std::uintptr_t limit = limit_of_current(heap);
    const std::uintptr_t payload =
        (heap->top + sizeof(block) + alignment - 1) & ~(static_cast<std::uintptr_t>(alignment) - 1);
    const std::uintptr_t target = payload - sizeof(block);
    if (target + padded_size(size) > limit) return nullptr;
    const std::uintptr_t from = heap->top;
    if (target != from) fill_gap(heap, from, target);
    void *pushed = try_push_below(limit, heap, size, site);
    if (pushed != nullptr && target != from)
        block_of(pushed)->hole_below = static_cast<std::uint32_t>(target - from);
    return pushed;
}

// What release() does, on the heap of the calling thread from within a slow path.
void free_small(thread_heap *heap, block *freed) noexcept {
    const auto end = reinterpret_cast<std::uintptr_t>(freed->above());
    freed->state = block_state::freed;
    chunk *c = chunk_of(freed);
    if (end == heap->top) {
        if (freed->hole_below != 0) return pop_over_holes(heap, freed);
        heap->top = reinterpret_cast<std::uintptr_t>(freed);
        return;
    }
    freed->above()->hole_below = freed->size + freed->hole_below;
    if (subtract_reaches_zero(c->live, freed->size)) give_back_dead(heap, c);
}

} // namespace

void free_as_owner(thread_heap *heap, block *freed) noexcept {
    switch (freed->state) {
    case block_state::sampled:
        sample_freed(heap, *freed);
        [[fallthrough]];
    case block_state::live:
        return free_small(heap, freed);
    case block_state::large:
        return release_large(heap, freed);
    case block_state::freed:
        break;
    }
    refuse_to_free(freed->payload());
}

void release_slowly(block *freed) noexcept {
    check_freeable(freed);
    chunk *c = chunk_of(freed);
    if (c->owner == this_thread.own) {
        const inside here;
        if (here) {
            free_as_owner(this_thread.own, freed);
            return;
        }
    }
    free_remotely(c->owner, freed);
}

void release_newest_slowly(thread_heap *heap, block *newest) noexcept {
    if (newest->state != block_state::live) return release_slowly(newest);
    newest->state = block_state::freed;
    pop_over_holes(heap, newest);
}

void retired_chunk_died(chunk *dead) noexcept {
    // A handler that interrupted a slow path leaves it for the sweep that follows.
    if (const inside here; here) give_back_dead(this_thread.own, dead);
}

void pop_over_holes(thread_heap *heap, block *freed) noexcept {
    auto end = reinterpret_cast<std::uintptr_t>(freed->above());
    chunk *c = chunk_of(freed);
    auto *lowest = freed;
    std::uint32_t holes = 0;
    while (lowest->hole_below != 0) {
        holes += lowest->hole_below;
        lowest = reinterpret_cast<block *>(reinterpret_cast<char *>(lowest) - lowest->hole_below);
        if (reinterpret_cast<std::uintptr_t>(lowest) < c->begin())
            refuse_to_go_on(freed->payload());
    }
    c->live += holes;
    if (exchange_if_same(heap->top, end, reinterpret_cast<std::uintptr_t>(lowest))) return;
    c->live -= holes;
    freed->above()->hole_below = freed->size + freed->hole_below;
    c->live -= freed->size;
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
    for (int attempt = 0; attempt < 2; ++attempt) {
        void *pushed = alignment > sizeof(block)
                           ? push_aligned(heap, size, alignment, site)
                           : try_push_below(limit_of_current(heap), heap, size, site);
        if (pushed != nullptr) return pushed;
        if (attempt == 0) {
            retire_current(heap);
            if (!open_chunk(heap)) return nullptr;
        }
    }
    return nullptr;
}

bool resize_in_place(void *payload, std::size_t size) noexcept {
    block *resized = block_of(payload);
    if (resized->state == block_state::large) return resize_large(resized, size);
    if (resized->state != block_state::live && resized->state != block_state::sampled)
        refuse_to_free(payload);
    const auto begin = reinterpret_cast<std::uintptr_t>(resized);
    std::uintptr_t end = begin + resized->size;
    thread_heap *heap = this_thread.active;
    if (size <= largest_small_block && end == heap->top) {
        const std::size_t padded = padded_size(size);
        if (begin + padded > chunk_of(resized)->limit()) return false;
        if (exchange_if_same(heap->top, end, begin + padded)) {
            resized->size = static_cast<std::uint32_t>(padded);
            return true;
        }
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
