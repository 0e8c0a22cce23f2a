// The slots of all stacks of the process. Slots are never unmapped, so any thread may look at any
// slot; taking one is a single exchange of its owner, so neither a fork nor a signal can leave a
// lock held.
#pragma once

#include "core/stack.hpp"

namespace scratch::registry {

struct slab;

/// Walks all slots, also while others are added.
class cursor {
public:
    cursor() noexcept;
    /// The next slot, or null at the end.
    stack_state *next() noexcept;

private:
    slab *at_;
    std::size_t index_ = 0;
};

/// A free slot, its owner being_changed and everything else zero. Null with ENOMEM.
stack_state *take() noexcept;

/// Takes a slot away from `expected`; false if it has changed since that was read.
bool seize(stack_state &slot, slot_owner expected) noexcept;

/// Hands a slot that is being changed to its owner, or to nobody.
void settle(stack_state &slot, tasks::task_id owner) noexcept;

/// The slot after `slot` in a round over all, for looking at a few at a time. Never null.
stack_state *next_of_round() noexcept;

} // namespace scratch::registry
