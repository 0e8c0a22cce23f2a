#include "core/stack.hpp"

#include "core/checks.hpp"

namespace scratch {
namespace {

// Records that are looked at to put a hole in its place among them. A buffer that a container
// leaves is right under its successor; what lies deeper waits for a restore, and costs no long
// walks.
constexpr int hole_reach = 8;

} // namespace

record *push_record(scratch_stack *stack, record_kind kind, std::size_t size) noexcept {
    auto *const added = static_cast<record *>(push(stack, size, bump::granule));
    if (added == nullptr) return nullptr;
    stack_state &state = *stack->state;
    added->previous_and_kind = link_to(state.newest, kind);
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

void leave_hole(stack_state &state, void *block, std::size_t size) noexcept {
    const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(block);
    if (size > state.stack->top - start || start % bump::granule != 0) return;
    const std::uintptr_t end = bump::block_end(start, size, state.redzone, state.end);
    if (end > state.stack->top) return;
    // Records are in the order of their addresses.
    record *above = nullptr;
    record *below = state.newest;
    for (int steps = 0; below != nullptr && below->address() > start; below = below->previous()) {
        if (++steps > hole_reach) return;
        above = below;
    }
    if (below != nullptr && below->address() == start) return; // given back twice
    auto *const hole = static_cast<hole_record *>(block);
    if (state.redzone != 0) {
        checks::forbid(start, end - start);
        checks::allow(start, sizeof *hole);
    }
    hole->previous_and_kind = link_to(below, record_kind::hole);
    hole->end = end;
    if (above == nullptr) {
        state.newest = hole;
        set_top(state, state.stack->top);
    } else {
        above->previous_and_kind = link_to(hole, above->kind());
    }
}

std::uintptr_t take_holes(stack_state &state, std::uintptr_t start) noexcept {
    for (; state.newest != nullptr; state.newest = state.newest->previous()) {
        const record *const newest = state.newest;
        const bool padding = newest->kind() == record_kind::padding &&
                             static_cast<const padding_record *>(newest)->block == start;
        const bool hole = newest->kind() == record_kind::hole &&
                          static_cast<const hole_record *>(newest)->end == start;
        if (!padding && !hole) break;
        start = newest->address();
    }
    return start;
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
    // A block that grew over the mark and was given back: what is below the mark is no hole any
    // more.
    if (record *const newest = state.newest; newest != nullptr &&
                                             newest->kind() == record_kind::hole &&
                                             static_cast<hole_record *>(newest)->end > mark) {
        state.newest = newest->previous();
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
    case record_kind::hole:
        return static_cast<const hole_record *>(newest)->end;
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
