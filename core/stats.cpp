#include "core/registry.hpp"
#include "core/stack.hpp"

#include <cstdint>
#include <cstring>
#include <iterator>

using namespace scratch;

namespace {

scratch_statistics read(const stack_state &state) noexcept {
    const auto get = [](const std::atomic<std::size_t> &figure) {
        return figure.load(std::memory_order_acquire);
    };
    scratch_statistics result{};
    for (std::size_t index = 0; index < std::size(state.figures.name); ++index) {
        const std::uint64_t letters = state.figures.name[index].load(std::memory_order_acquire);
        std::memcpy(result.name + index * sizeof letters, &letters, sizeof letters);
    }
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
        // Read while it changed hands: the figures may be of two stacks. (They were read with
        // acquire, so this is read after them.)
        const slot_owner after = slot->owner.load(std::memory_order_relaxed);
        if (after.task != before.task || after.turn != before.turn) continue;
        if (!visit(&statistics, context)) return;
    }
}
}
