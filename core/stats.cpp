#include "core/registry.hpp"
#include "core/stack.hpp"

#include <cstring>

using namespace scratch;

namespace {

scratch_statistics read(const stack_state &state) noexcept {
    const auto get = [](const std::atomic<std::size_t> &figure) {
        return figure.load(std::memory_order_relaxed);
    };
    scratch_statistics result{};
    std::memcpy(result.name, state.name, sizeof result.name);
    result.used = get(state.figures.used);
    result.high_water = get(state.figures.high_water);
    result.touched = get(state.figures.touched);
    result.committed = get(state.figures.committed);
    result.reserved = get(state.figures.reserved);
    result.commits = get(state.figures.commits);
    result.populated = get(state.figures.populated);
    result.trimmed = get(state.figures.trimmed);
    result.of_thread = state.owner.load(std::memory_order_relaxed).task != task::the_program;
    return result;
}

} // namespace

extern "C" {

scratch_statistics scratch_stats(const scratch_stack *stack) {
    if (stack->state == nullptr) return {};
    scratch_statistics result = read(*stack->state);
    result.used = stack->top - stack->state->base;
    return result;
}

void scratch_visit(bool (*visit)(const scratch_statistics *, void *), void *context) {
    registry::cursor slots;
    while (const stack_state *const slot = slots.next()) {
        const slot_owner before = slot->owner.load(std::memory_order_acquire);
        if (before.task == task::nobody || before.task == task::being_changed) continue;
        const scratch_statistics statistics = read(*slot);
        // Read while it changed hands: the figures may be of two stacks.
        std::atomic_thread_fence(std::memory_order_acquire);
        const slot_owner after = slot->owner.load(std::memory_order_relaxed);
        if (after.task != before.task || after.turn != before.turn) continue;
        if (!visit(&statistics, context)) return;
    }
}
}
