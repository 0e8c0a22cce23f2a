#include "core/registry.hpp"

#include "core/pages.hpp"

#include <new>

namespace scratch::registry {

struct slab {
    slab *older;
    std::size_t count;
    stack_state *slots;
};

namespace {

// Enough for most programs without a system call; untouched it takes no memory.
constexpr std::size_t first_count = 16;
constexpr std::size_t slab_bytes = 64 * 1024;

constinit stack_state first_slots[first_count]{};
constinit slab first_slab{nullptr, first_count, first_slots};
constinit std::atomic<slab *> newest{&first_slab};
constinit std::atomic<std::size_t> round{0};

/// False with ENOMEM.
bool add_slab() noexcept {
    void *const memory = pages::reserve(slab_bytes, pages::page_size());
    if (memory == nullptr) return false;
    if (!pages::commit(memory, slab_bytes)) {
        pages::release(memory, slab_bytes);
        return false;
    }
    // The memory is zero, which is what free slots are; their lifetime begins with it.
    auto *const slots =
        reinterpret_cast<stack_state *>(static_cast<char *>(memory) + sizeof(stack_state));
    static_assert(sizeof(slab) <= sizeof(stack_state));
    auto *const added = new (memory)
        slab{newest.load(std::memory_order_acquire), slab_bytes / sizeof(stack_state) - 1, slots};
    while (!newest.compare_exchange_weak(added->older, added, std::memory_order_acq_rel)) {
    }
    return true;
}

} // namespace

cursor::cursor() noexcept : at_(newest.load(std::memory_order_acquire)) {}

stack_state *cursor::next() noexcept {
    while (at_ != nullptr && index_ == at_->count) {
        at_ = at_->older;
        index_ = 0;
    }
    return at_ == nullptr ? nullptr : &at_->slots[index_++];
}

bool seize(stack_state &slot, slot_owner expected) noexcept {
    if (!slot.owner.compare_exchange_strong(expected, {task::being_changed, expected.turn + 1},
                                            std::memory_order_acq_rel))
        return false;
    // Who reads a figure that is written from now on (scratch_visit) sees afterwards that the slot
    // has changed hands: the exchange alone does not keep its own store before later ones.
    std::atomic_thread_fence(std::memory_order_release);
    return true;
}

void settle(stack_state &slot, tasks::task_id owner) noexcept {
    const slot_owner changing = slot.owner.load(std::memory_order_relaxed);
    slot.owner.store({owner, changing.turn}, std::memory_order_release);
}

stack_state *take() noexcept {
    do {
        cursor slots;
        while (stack_state *const slot = slots.next()) {
            const slot_owner owner = slot->owner.load(std::memory_order_relaxed);
            if (owner.task == task::nobody && seize(*slot, owner)) return slot;
        }
    } while (add_slab());
    return nullptr;
}

stack_state *next_of_round() noexcept {
    std::size_t skip = round.fetch_add(1, std::memory_order_relaxed);
    std::size_t all = 0;
    for (const slab *at = newest.load(std::memory_order_acquire); at != nullptr; at = at->older) {
        all += at->count;
    }
    skip %= all;
    for (slab *at = newest.load(std::memory_order_acquire);; at = at->older) {
        if (skip < at->count) return &at->slots[skip];
        skip -= at->count;
    }
}

} // namespace scratch::registry
