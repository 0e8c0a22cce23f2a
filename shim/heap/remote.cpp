#include "shim/heap/remote.hpp"

#include "shim/heap/fatal.hpp"
#include "shim/heap/large.hpp"
#include "shim/observe/counters.hpp"

namespace scratch::shim {

void free_remotely(thread_heap *owner, block *freed) noexcept {
    auto *state = reinterpret_cast<std::uint32_t *>(&freed->state);
    const std::uint32_t before = __atomic_fetch_or(state, freed_remotely, __ATOMIC_ACQ_REL);
    if ((before & freed_remotely) != 0 || static_cast<block_state>(before) == block_state::freed)
        refuse_to_free(freed->payload());
    if (static_cast<block_state>(before) == block_state::large) free_pages_remotely(freed);
    std::uint32_t newest = owner->shared.remote_frees.load(std::memory_order_relaxed);
    do {
        freed->site = newest;
    } while (!owner->shared.remote_frees.compare_exchange_weak(
        newest, compress(freed), std::memory_order_release, std::memory_order_relaxed));
    counters().remote_frees.fetch_add(1, std::memory_order_relaxed);
}

void drain_remote_frees(thread_heap *heap) noexcept {
    if (heap->shared.remote_frees.load(std::memory_order_relaxed) == 0) return;
    std::uint32_t name = heap->shared.remote_frees.exchange(0, std::memory_order_acquire);
    while (name != 0) {
        block *freed = decompress(name);
        name = freed->site;
        freed->site = 0;
        freed->state =
            static_cast<block_state>(static_cast<std::uint32_t>(freed->state) & ~freed_remotely);
        free_as_owner(heap, freed);
    }
}

} // namespace scratch::shim
