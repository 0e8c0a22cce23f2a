#include "shim/heap/remote.hpp"

#include <utility>

#include "shim/heap/fatal.hpp"
#include "shim/heap/large.hpp"
#include "shim/observe/counters.hpp"

namespace scratch::shim {

namespace {

// Where a block freed remotely names the next: a brief one has no room for it before its payload.
std::uint32_t &next_of(block &freed) noexcept {
    return without_remote_bit(freed.state) == block_state::outlived
               ? *static_cast<half_word_of_header *>(freed.payload())
               : freed.site;
}

} // namespace

void free_remotely(thread_heap *owner, block *freed) noexcept {
    auto *state = reinterpret_cast<std::uint32_t *>(&freed->state);
    const std::uint32_t before = __atomic_fetch_or(state, freed_remotely, __ATOMIC_ACQ_REL);
    if ((before & freed_remotely) != 0 || static_cast<block_state>(before) == block_state::freed)
        refuse_to_free(freed->payload());
    if (static_cast<block_state>(before) == block_state::large) free_pages_remotely(freed);
    std::uint32_t newest = owner->shared.remote_frees.load(std::memory_order_relaxed);
    do {
        next_of(*freed) = newest;
    } while (!owner->shared.remote_frees.compare_exchange_weak(
        newest, compress(freed), std::memory_order_release, std::memory_order_relaxed));
    counters().remote_frees.fetch_add(1, std::memory_order_relaxed);
}

void drain_remote_frees(thread_heap *heap) noexcept {
    if (heap->shared.remote_frees.load(std::memory_order_relaxed) == 0) return;
    std::uint32_t name = heap->shared.remote_frees.exchange(0, std::memory_order_acquire);
    while (name != 0) {
        block *freed = decompress(name);
        name = std::exchange(next_of(*freed), 0);
        freed->state = without_remote_bit(freed->state);
        free_as_owner(heap, freed);
    }
}

} // namespace scratch::shim
