// The common beginning and end of a hooked region: compiled to use no vector register, which carry
// the caller's arguments and the function's results. What is not common answers `slowly`.

#include "shim/hook/frame.hpp"

#include "shim/heap/threads.hpp"
#include "shim/hook/arguments.hpp"
#include "shim/hook/counts.hpp"
#include "shim/hook/instrumented.hpp"
#include "shim/hook/targets.hpp"
#include "shim/region/steps.hpp"
#include "shim/route/entries.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

namespace {

// The own heap's, or others that say that they are held.
[[gnu::always_inline]] inline thread_heap *heap_of(hot_words *hot) noexcept {
    static_assert(offsetof(thread_heap, hot) == 0);
    return reinterpret_cast<thread_heap *>(hot);
}

// A slow beginning tells the process's counters, which survive _exit and signals, of the quick
// ones.
constexpr std::uint64_t published_each = 1024;

// Whether it takes nothing to open a region but a chunk that the heap has.
template <bool trusted>
[[gnu::always_inline]] inline bool can_begin(const thread_heap *heap,
                                             std::uintptr_t stack_pointer) noexcept {
    const std::uint32_t depth = heap->regions.depth;
    return heap->spare != nullptr && heap->charged_ahead[trusted] && runtime_is_known() &&
           heap->hot.counted.regions_entered % published_each != 0 &&
           (depth == 0 || (depth != deepest_region &&
                           heap->regions.open[depth - 1].stack_pointer >= stack_pointer));
}

// What the inside word's end does too, where a slow path may have changed it. A region that serves
// one stack only leaves malloc to ask where a call comes from.
[[gnu::always_inline]] inline void show_current(thread_heap *heap, chunk *current, bool has_room,
                                                std::uintptr_t served) noexcept {
    heap->hot.current = current;
    const bool pushes = has_room && served == any_stack && entries.malloc_pushes_itself;
    this_thread.open = pushes ? &heap->hot : &no_words;
}

// False where that has to be done slowly. One for each kind of region: what it writes are constants
// then, and no register has to be kept for it.
template <bool trusted, region_kind kind>
[[gnu::always_inline]] inline bool try_to_begin(hook_frame *frame, hook_entry *entry,
                                                std::uintptr_t stack_pointer) noexcept {
    if (this_thread.hot->inside != 0) [[unlikely]]
        return false;
    thread_heap *heap = heap_of(this_thread.hot);
    take_inside_word(heap->hot);
    if (!can_begin<trusted>(heap, stack_pointer)) [[unlikely]] {
        give_inside_word(heap->hot);
        return false;
    }
    // Registers are few: what follows is read only now, and what is done is done with.
    signal_fence();
    std::uintptr_t served = stack_pointer - this_thread.stack_begin;
    if (served >= this_thread.stack_size) {
        // On another stack than the own, or where that is not known and has to be: slowly.
        if (trusted || is_own_stack_known()) {
            give_inside_word(heap->hot);
            return false;
        }
        served = any_stack;
    }
    frame->depth = static_cast<std::uint16_t>(heap->regions.depth);
    frame->slot = static_cast<std::uint16_t>(heap->slot);
    const std::uint32_t serial = add_region(heap, reinterpret_cast<std::uintptr_t>(entry),
                                            stack_pointer, served, trusted, kind);
    frame->serial = serial;
    chunk *taken = heap->spare;
    heap->spare = nullptr;
    heap->charged_ahead[trusted] = false;
    make_current(heap, taken, serial, trusted, true);
    show_current(heap, taken, true, trusted ? 0 : served);
    signal_fence();
    count_hooked_call(heap, entry);
    give_inside_word(heap->hot);
    return true;
}

// Whether the innermost region's end, whose scope ends exactly here, has nothing to look through.
template <bool trusted>
[[gnu::always_inline]] inline bool can_end(const thread_heap *heap, const region &ended,
                                           const chunk *last) noexcept {
    if (ended.uncertain || ended.chunks != nullptr || ended.large != nullptr) return false;
    if (last == nullptr || heap->spare != nullptr || heap->charged_ahead[trusted]) return false;
    if (heap->shared.remote_frees.load(std::memory_order_relaxed) != 0) return false;
    return trusted || (heap->hot.top == last->begin() && may_charge_ahead());
}

template <bool trusted>
[[gnu::always_inline]] inline bool try_to_end(thread_heap *heap, const region &ended,
                                              std::uint32_t depth) noexcept {
    chunk *last = heap->current;
    if (!can_end<trusted>(heap, ended, last)) [[unlikely]] {
        give_inside_word(heap->hot);
        return false;
    }
    heap->charged_ahead[trusted] = true;
    make_spare(heap, last);
    heap->regions.depth = depth;
    return_to_outer(heap, ended);
    show_current(heap, ended.outer_chunk, ended.outer_limit != 0, ended.outer_stack_size);
    give_inside_word(heap->hot);
    return true;
}

// `is_its_own(innermost region)` tells whether that is the one to end.
template <typename IsItsOwn>
[[gnu::always_inline]] inline bool try_to_end(IsItsOwn &&is_its_own) noexcept {
    if (this_thread.hot->inside != 0) [[unlikely]]
        return false;
    thread_heap *heap = heap_of(this_thread.hot);
    take_inside_word(heap->hot);
    const std::uint32_t depth = heap->regions.depth;
    const region &ended = *region_at(heap, depth != 0 ? depth - 1 : 0);
    if (depth == 0 || !is_its_own(ended)) [[unlikely]] {
        give_inside_word(heap->hot);
        return false;
    }
    return ended.trusted ? try_to_end<true>(heap, ended, depth - 1)
                         : try_to_end<false>(heap, ended, depth - 1);
}

[[gnu::noinline]] hook_answer begin_instrumented(hook_frame *frame) noexcept {
    if (!are_instrumented_known()) return hook_answer::slowly;
    hook_entry *entry = find_instrumented(frame->arguments[0]);
    if (entry == nullptr) return hook_answer::jump;
    // The call stands in the function's own body, which goes on at this stack pointer.
    const std::uintptr_t body = frame->stack_pointer() + sizeof(std::uintptr_t);
    const auto is_its_own = [entry, body](const region &innermost) {
        return innermost.name == reinterpret_cast<std::uintptr_t>(entry) &&
               innermost.stack_pointer == body;
    };
    if (is_instrumented_exit(frame->entry))
        return !exception_passes() && try_to_end(is_its_own) ? hook_answer::jump
                                                             : hook_answer::slowly;
    // One that an exception left open there.
    const thread_heap *own = this_thread.own;
    if (own != nullptr && own->regions.depth != 0 &&
        is_its_own(own->regions.open[own->regions.depth - 1]))
        return hook_answer::slowly;
    if (entry->instrumented_kind > hook_kind::trusted_region) return hook_answer::slowly;
    const bool begun = entry->instrumented_kind == hook_kind::trusted_region
                           ? try_to_begin<true, region_kind::instrumented>(frame, entry, body)
                           : try_to_begin<false, region_kind::instrumented>(frame, entry, body);
    return begun ? hook_answer::jump : hook_answer::slowly;
}

// All but regions whose target and way are known.
[[gnu::noinline]] hook_answer look_otherwise(hook_frame *frame) noexcept {
    const hook_entry *entry = frame->entry;
    const definition target = known_definition(*entry);
    frame->target = target.address;
    if (target.address == 0) return hook_answer::slowly;
    if (!entries.regions_allowed || target.foreign) return hook_answer::jump;
    if (entry->kind == hook_kind::instrumented && entries.regions_served)
        return begin_instrumented(frame);
    const bool leaves =
        entry->kind == hook_kind::longjmp || entry->kind == hook_kind::context_switch;
    if (leaves && (this_thread.own == nullptr || this_thread.own->regions.depth == 0))
        return hook_answer::jump;
    return hook_answer::slowly;
}

hook_call begin_otherwise(hook_frame *frame, hook_entry *entry) noexcept {
    frame->entry = entry;
    return {0, static_cast<std::uint64_t>(look_otherwise(frame))};
}

template <bool trusted>
[[gnu::noinline]] hook_call begin_quickly(hook_frame *frame, hook_entry *entry) noexcept {
    if (!try_to_begin<trusted, region_kind::hooked>(frame, entry, frame->stack_pointer()))
        [[unlikely]] {
        frame->entry = entry;
        return {0, static_cast<std::uint64_t>(hook_answer::slowly)};
    }
    // Read again, since registers are few; it stays.
    return {entry->target.load(std::memory_order_relaxed), entry->stack_bytes};
}

} // namespace

extern "C" hook_call scratch_hook_begin(hook_frame *frame, hook_entry *entry) noexcept {
    const std::uint64_t target = entry->target.load(std::memory_order_acquire);
    const std::uintptr_t stack_pointer = frame->stack_pointer();
    const hook_kind kind = entry->kind;
    if (target == 0 || kind > hook_kind::trusted_region || !entries.regions_served) [[unlikely]]
        return begin_otherwise(frame, entry);
    if (!are_arguments_on_page(stack_pointer, entry->stack_bytes) &&
        !are_arguments_readable(stack_pointer, entry->stack_bytes)) [[unlikely]]
        return begin_otherwise(frame, entry);
    return kind == hook_kind::trusted_region ? begin_quickly<true>(frame, entry)
                                             : begin_quickly<false>(frame, entry);
}

extern "C" hook_answer scratch_hook_end(hook_frame *frame) noexcept {
    // No other region of this thread has this frame's address and serial.
    const std::uintptr_t stack_pointer = frame->stack_pointer();
    const std::uint32_t serial = frame->serial;
    const bool ended = try_to_end([stack_pointer, serial](const region &innermost) {
        return innermost.serial == serial && innermost.stack_pointer == stack_pointer;
    });
    return ended ? hook_answer::call : hook_answer::slowly;
}

} // namespace scratch::shim
