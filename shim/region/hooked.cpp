#include "shim/region/hooked.hpp"

#include "shim/check/blocks.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/threads.hpp"
#include "shim/region/steps.hpp"
#include "shim/route/route.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

namespace {

bool is_hooked(const region &opened) noexcept {
    return opened.kind == region_kind::hooked || opened.kind == region_kind::paused;
}

// The thread's heap where a region is open in it, null elsewhere. Under the inside word.
thread_heap *heap_with_regions() noexcept {
    thread_heap *heap = this_thread.own;
    return heap != nullptr && heap->regions.depth != 0 ? heap : nullptr;
}

// A turn is ended by calls on the stack that it began on.
bool is_turn_of_another_stack(const thread_heap *heap, std::uint64_t name,
                              std::uintptr_t stack_pointer) noexcept {
    if (!is_own_stack_known()) return false;
    for (std::uint32_t depth = heap->regions.depth; depth-- > 0;) {
        const region &turn = heap->regions.open[depth];
        if (turn.kind == region_kind::frame && turn.name == name)
            return turn.detached == is_on_own_stack(stack_pointer);
    }
    return false;
}

} // namespace

region_token enter_hooked_region(std::uint64_t name, const char *label, region_kind kind,
                                 bool trusted, std::uintptr_t stack_pointer) noexcept {
    if (!regions_allowed()) return 0;
    const inside here(stack_pointer);
    if (!here) return 0;
    thread_heap *heap = start_own_heap();
    if (heap == nullptr) return 0;
    if (trusted) learn_own_stack();
    trusted = prepare_region(trusted && is_on_own_stack(stack_pointer));
    learn_runtime(); // once: the next calls take the quick way
    trusted &= end_finished_regions(heap, stack_pointer);
    if (heap->regions.depth == deepest_region) return 0;
    if (blocks_are_checked()) check::note_scope_name(name, label);
    begin_region(heap, name, stack_pointer, trusted, kind);
    return token_of_innermost(heap);
}

void end_unwound_region(region_token token) noexcept {
    const inside here;
    thread_heap *heap = here ? heap_with_regions() : nullptr;
    if (heap == nullptr) return;
    if (token != 0) {
        if (slot_in(token) == heap->slot && is_still_open(heap, token))
            end_down_to(heap, depth_in(token));
        return;
    }
    for (std::uint32_t depth = heap->regions.depth; depth-- > 0;)
        if (is_hooked(heap->regions.open[depth])) return end_down_to(heap, depth);
}

void turn_hooked_frame(std::uint64_t name, const char *label, bool trusted,
                       std::uintptr_t stack_pointer) noexcept {
    if (!regions_allowed()) return;
    const inside here(stack_pointer);
    if (!here) return;
    thread_heap *heap = start_own_heap();
    if (heap == nullptr) return;
    if (trusted) learn_own_stack();
    trusted = prepare_region(trusted && is_on_own_stack(stack_pointer));
    trusted &= end_finished_regions(heap, stack_pointer);
    if (is_turn_of_another_stack(heap, name, stack_pointer)) return;
    if (blocks_are_checked()) check::note_scope_name(name, label);
    turn_frame_of(heap, name, trusted, [stack_pointer](const region &ended) {
        return stack_pointer == ended.called_at;
    });
    if (heap->regions.depth != 0 && innermost_region(heap)->name == name)
        innermost_region(heap)->called_at = stack_pointer;
}

void end_stale_instrumented_region(std::uint64_t name, std::uintptr_t stack_pointer) noexcept {
    const inside here(stack_pointer);
    thread_heap *heap = here ? heap_with_regions() : nullptr;
    if (heap != nullptr) end_opened_before(heap, name, stack_pointer, 0);
}

void leave_instrumented_region(std::uint64_t name, std::uintptr_t stack_pointer, bool by_jump,
                               bool returns) noexcept {
    const inside here(stack_pointer);
    thread_heap *heap = here ? heap_with_regions() : nullptr;
    if (heap == nullptr) return;
    if (by_jump) {
        const region *innermost = innermost_region(heap);
        if (innermost->name == name && innermost->stack_pointer < stack_pointer)
            end_region_at(heap, heap->regions.depth - 1, returns);
        return;
    }
    for (std::uint32_t depth = heap->regions.depth; depth-- > 0;) {
        const region &ended = heap->regions.open[depth];
        if (ended.name == name && ended.stack_pointer == stack_pointer)
            return end_region_at(heap, depth, returns);
    }
}

void end_regions_jumped_over(std::uintptr_t stack_pointer) noexcept {
    const inside here;
    if (thread_heap *heap = here ? heap_with_regions() : nullptr; heap != nullptr)
        end_regions_below(heap, stack_pointer);
}

region_token leave_stack(std::uint64_t name, std::uintptr_t stack_pointer) noexcept {
    const inside here(stack_pointer);
    thread_heap *heap = here ? heap_with_regions() : nullptr;
    if (heap == nullptr) return 0;
    end_finished_regions(heap, stack_pointer);
    if (heap->regions.depth == 0 || innermost_region(heap)->name == name) return 0;
    if (heap->regions.depth == deepest_region) {
        // No place for that: then what they gave on the other stack keeps them from being reset.
        make_open_regions_uncertain(heap);
        return 0;
    }
    begin_region(heap, name, stack_pointer, false, region_kind::paused);
    return token_of_innermost(heap);
}

} // namespace scratch::shim
