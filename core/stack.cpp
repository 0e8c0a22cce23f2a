#include "core/stack.hpp"

#include "core/checks.hpp"
#include "core/threads.hpp"

#include <cerrno>
#include <cstring>

namespace scratch {
namespace {

/// Stops the program if another thread than the owner uses a checked stack.
void check_owner(const stack_state &state) noexcept {
    if (!state.checked) return;
    const void *const user = state.user.load(std::memory_order_relaxed);
    if (user == thread_identity()) return;
    checks::message report;
    report.text("scratch: stack ")
        .quoted(state.name)
        .text(" is used by thread ")
        .number(tasks::calling_thread());
    if (user == nullptr) {
        report.text(", which has not taken it over after it was handed over");
    } else {
        report.text(", which does not own it");
    }
    if (const scope_record *const scope = innermost_scope(state, state.base)) {
        report.text("; its innermost open scope is ").quoted(scope->name);
    }
    report.stop();
}

const char *scope_name_at(const stack_state &state, scratch_mark mark) noexcept {
    for (const record *at = state.newest; at != nullptr && at->address() >= mark;
         at = at->previous()) {
        if (at->address() == mark && at->kind() == record_kind::scope) {
            return static_cast<const scope_record *>(at)->name;
        }
    }
    return nullptr;
}

const scope_record *scope_around(const stack_state &state, scratch_mark mark) noexcept {
    for (const record *at = state.newest; at != nullptr; at = at->previous()) {
        if (at->address() < mark && at->kind() == record_kind::scope) {
            return static_cast<const scope_record *>(at);
        }
    }
    return nullptr;
}

/// Stops the program if `mark` of a checked stack cannot be restored now.
void check_mark(const stack_state &state, scratch_mark mark, const char *ending) noexcept {
    checks::message report;
    if (mark > state.stack->top) {
        report.text("scratch: a mark of stack ").quoted(state.name);
        report.text(" is restored that an outer scope has given back already");
        if (const scope_record *const scope = innermost_scope(state, state.base)) {
            report.text("; the innermost open scope is ").quoted(scope->name);
        }
        report.stop();
    }
    const scope_record *const inner = innermost_scope(state, mark);
    if (inner == nullptr || (ending != nullptr && inner->address() == mark)) return;
    report.text("scratch: ");
    if (ending != nullptr) {
        report.text("scope ").quoted(ending).text(" ends");
    } else if (const scope_record *const outer = scope_around(state, mark)) {
        report.text("a mark inside scope ").quoted(outer->name).text(" is restored");
    } else {
        report.text("a mark is restored");
    }
    report.text(" on stack ").quoted(state.name).text(" while scope ").quoted(inner->name);
    report.text(" inside it is still open").stop();
}

} // namespace

void set_top(stack_state &state, std::uintptr_t top) noexcept {
    scratch_stack &words = *state.stack;
    const bool lowers = top < words.top;
    if (state.checked && lowers) {
        const std::size_t size = words.top - top;
        if (state.redzone != 0) {
            checks::forget_blocks_above(&state, state.base, top);
            checks::allow(top, size);
        }
        std::memset(reinterpret_cast<void *>(top), checks::given_back_pattern, size);
        if (state.redzone != 0) checks::forbid(top, size);
    }
    words.top = top;
    if (lowers && holds_too_much(state) && (state.touched - top) / 2 > state.keep)
        trim(state, state.keep);
    words.limit = state.checked ? top : state.touched;
    words.hook = state.checked || holds_too_much(state) ? top : record_hook(state);
}

bool is_last(const stack_state &state, const void *block, std::size_t size) noexcept {
    const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(block);
    if (start < state.base || start >= state.stack->top || start % bump::granule != 0) return false;
    return size <= state.stack->top - start &&
           bump::block_end(start, size, state.redzone, state.end) == state.stack->top &&
           (state.newest == nullptr || state.newest->address() < start);
}

void *push(scratch_stack *stack, std::size_t size, std::size_t alignment,
           std::uintptr_t *fresh) noexcept {
    if (!bump::is_power_of_two(alignment)) {
        errno = EINVAL;
        return nullptr;
    }
    stack_state *const found = state_of(stack);
    if (found == nullptr) return nullptr;
    stack_state &state = *found;
    check_owner(state);
    const std::uintptr_t top = stack->top;
    const bump::placement place = bump::place({top, state.end, size, alignment, state.redzone});
    if (!place.fits) {
        errno = ENOMEM;
        return nullptr;
    }
    // A checker has not seen the zeros of the system: to it nothing is known.
    *fresh = state.redzone != 0 ? state.end : state.touched;
    if (place.top > state.touched && !grow(state, place.top)) return nullptr;
    if (place.start != top) {
        auto *const padding = reinterpret_cast<padding_record *>(top);
        checks::allow(top, state.redzone != 0 ? sizeof *padding : 0);
        padding->previous_and_kind = link_to(state.newest, record_kind::padding);
        padding->block = place.start;
        state.newest = padding;
    }
    set_top(state, place.top);
    if (state.redzone != 0) checks::allow_block(&state, place.start, size);
    return reinterpret_cast<void *>(place.start);
}

void *push(scratch_stack *stack, std::size_t size, std::size_t alignment) noexcept {
    std::uintptr_t fresh = 0;
    return push(stack, size, alignment, &fresh);
}

bool pop(scratch_stack *stack, void *block, std::size_t size) noexcept {
    stack_state *const state = stack->state;
    if (state == nullptr) return false;
    check_owner(*state);
    if (!is_last(*state, block, size)) return false;
    set_top(*state, take_holes(*state, reinterpret_cast<std::uintptr_t>(block)));
    return true;
}

void give_back(scratch_stack *stack, void *block, std::size_t size) noexcept {
    if (!pop(stack, block, size) && scratch_owns(stack, block))
        leave_hole(*stack->state, block, size);
}

void *resize(scratch_stack *stack, void *block, std::size_t old_size, std::size_t new_size,
             std::size_t alignment) noexcept {
    if (block == nullptr) return push(stack, new_size, alignment);
    if (!bump::is_power_of_two(alignment)) {
        errno = EINVAL;
        return nullptr;
    }
    stack_state *const state = state_of(stack);
    if (state == nullptr) return nullptr;
    check_owner(*state);
    const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(block);
    const bool aligned = start % alignment == 0;
    if (aligned && is_last(*state, block, old_size)) {
        const bump::placement place =
            bump::place({start, state->end, new_size, bump::granule, state->redzone});
        if (!place.fits) {
            errno = ENOMEM;
            return nullptr;
        }
        if (place.top > state->touched && !grow(*state, place.top)) return nullptr;
        set_top(*state, place.top);
        if (state->redzone != 0) {
            if (new_size > old_size) checks::allow(start + old_size, new_size - old_size);
            if (new_size < old_size) checks::forbid(start + new_size, place.top - start - new_size);
        }
        return block;
    }
    // Not to a multiple of the bad stride that would take more room than it has.
    if (aligned && new_size <= old_size && bump::block_size(new_size) <= bump::block_size(old_size))
        return block;
    void *const moved = push(stack, new_size, alignment);
    if (moved != nullptr) std::memcpy(moved, block, old_size < new_size ? old_size : new_size);
    return moved;
}

} // namespace scratch

using namespace scratch;

extern "C" {

bool scratch_pop_slow_(scratch_stack *stack, void *block, size_t size) {
    return pop(stack, block, size);
}

void scratch_give_back_slow_(scratch_stack *stack, void *block, size_t size) {
    give_back(stack, block, size);
}

bool scratch_restore_slow_(scratch_stack *stack, scratch_mark mark) {
    stack_state *const state = stack->state;
    if (state == nullptr) return mark == 0;
    check_owner(*state);
    // A mark from before the thread's first push is 0.
    if (mark < state->base) mark = state->base;
    if (state->checked) check_mark(*state, mark, nullptr);
    if (mark > stack->top) return false;
    unwind(*state, mark);
    return true;
}

scratch_mark scratch_scope_begin_slow_(scratch_stack *stack, const char *name) {
    // A thread's stack has to be started for its first scope only if the scope is to be remembered.
    if (stack->state == nullptr && !checked_by_default()) return stack->top;
    const stack_state *const state = state_of(stack);
    if (state == nullptr || !state->checked) return stack->top;
    auto *const scope =
        static_cast<scope_record *>(push_record(stack, record_kind::scope, sizeof(scope_record)));
    if (scope == nullptr) return stack->top;
    scope->name = name;
    return scope->address();
}

void scratch_scope_end_slow_(scratch_scope *scope) {
    stack_state *const state = scope->stack->state;
    if (state != nullptr && state->checked && scope->mark >= state->base) {
        check_owner(*state);
        const char *const name = scope_name_at(*state, scope->mark);
        check_mark(*state, scope->mark, name);
        unwind(*state, scope->mark);
        return;
    }
    scratch_restore_slow_(scope->stack, scope->mark);
}

void scratch_scope_check_(const scratch_scope *scope) {
    const stack_state *const state = scope->stack->state;
    if (state == nullptr || !state->checked) return;
    const scope_record *const inner = innermost_scope(*state, state->base);
    if (inner == nullptr || inner->address() <= scope->mark) return;
    const char *const name = scope_name_at(*state, scope->mark);
    checks::message report;
    report.text("scratch: push on scope ").quoted(name == nullptr ? "?" : name);
    report.text(" of stack ").quoted(state->name).text(" while scope ").quoted(inner->name);
    report.text(" inside it is still open, which would give the block back").stop();
}

void *scratch_scope_push_slow_(scratch_scope *scope, size_t size, size_t alignment) {
    scratch_scope_check_(scope);
    return scratch_push_slow_(scope->stack, size, alignment);
}

void *scratch_try_scope_push_slow_(scratch_scope *scope, size_t size, size_t alignment) {
    scratch_scope_check_(scope);
    return scratch_try_push_slow_(scope->stack, size, alignment);
}
}
