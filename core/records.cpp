#include "core/stack.hpp"

#include "core/checks.hpp"

namespace scratch {

record *push_record(scratch_stack *stack, record_kind kind, std::size_t size) noexcept {
    auto *const added = static_cast<record *>(push(stack, size, bump::granule));
    if (added == nullptr) return nullptr;
    stack_state &state = *stack->state;
    added->previous_and_kind =
        reinterpret_cast<std::uintptr_t>(state.newest) | static_cast<std::uintptr_t>(kind);
    state.newest = added;
    set_top(state, stack->top);
    return added;
}

bool defer(scratch_stack *stack, void (*function)(void *), void *argument) noexcept {
    auto *const added = static_cast<deferred_record *>(
        push_record(stack, record_kind::deferred, sizeof(deferred_record)));
    if (added == nullptr) return false;
    added->function = function;
    added->argument = argument;
    return true;
}

void unwind(stack_state &state, std::uintptr_t mark) {
    while (record *const newest = state.newest) {
        if (newest->address() < mark) break;
        state.newest = newest->previous();
        if (newest->kind() != record_kind::deferred) continue;
        // The function may use the stack, above what its objects may still refer to, and may defer
        // more.
        const auto deferred = *static_cast<deferred_record *>(newest);
        set_top(state, state.stack->top);
        deferred.function(deferred.argument);
    }
    // Unless a deferred function has restored to a mark further down itself.
    if (state.stack->top > mark) set_top(state, mark);
}

std::uintptr_t record_hook(const stack_state &state) noexcept {
    const record *const newest = state.newest;
    if (newest == nullptr) return state.base - 1;
    switch (newest->kind()) {
    case record_kind::padding:
        return static_cast<const padding_record *>(newest)->block;
    case record_kind::deferred:
        return newest->address() + sizeof(deferred_record) - 1;
    case record_kind::scope:
        break;
    }
    return newest->address() + sizeof(scope_record) - 1;
}

const scope_record *innermost_scope(const stack_state &state, std::uintptr_t mark) noexcept {
    for (const record *at = state.newest; at != nullptr && at->address() >= mark;
         at = at->previous()) {
        if (at->kind() == record_kind::scope) return static_cast<const scope_record *>(at);
    }
    return nullptr;
}

} // namespace scratch
