#include "shim/hook/hooks.hpp"

#include <cstring>
#include <iterator>
#include <span>

#include "core/kept_errno.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/threads.hpp"
#include "shim/hook/arguments.hpp"
#include "shim/hook/counts.hpp"
#include "shim/hook/frame.hpp"
#include "shim/hook/instrumented.hpp"
#include "shim/hook/jump_buffer.hpp"
#include "shim/hook/machine.hpp"
#include "shim/hook/targets.hpp"
#include "shim/hook/unwound.hpp"
#include "shim/lifecycle/start.hpp"
#include "shim/observe/log.hpp"
#include "shim/region/hooked.hpp"
#include "shim/region/own_stack.hpp"
#include "shim/region/steps.hpp"
#include "shim/route/route.hpp"
#include "shim/route/runtime_callers.hpp"

extern "C" {
constinit std::uint8_t scratch_hooks_live = 0;
}

namespace scratch::shim {

namespace {

std::uint64_t name_of(const hook_entry *entry) noexcept {
    return reinterpret_cast<std::uintptr_t>(entry);
}

void count_call(hook_entry *entry) noexcept {
    const inside here;
    if (here && this_thread.own != nullptr) count_hooked_call(this_thread.own, entry);
}

region_token enter(hook_entry *entry, hook_kind kind, std::uintptr_t stack_pointer) noexcept {
    const region_kind opened = kind == hook_kind::paused                ? region_kind::paused
                               : entry->kind == hook_kind::instrumented ? region_kind::instrumented
                                                                        : region_kind::hooked;
    const region_token token =
        enter_hooked_region(name_of(entry), entry->text(entry->label), opened,
                            kind == hook_kind::trusted_region, stack_pointer);
    if (token != 0) count_call(entry);
    return token;
}

void turn(hook_entry *entry, hook_kind kind, std::uintptr_t stack_pointer) noexcept {
    turn_hooked_frame(name_of(entry), entry->text(entry->label), kind == hook_kind::trusted_frame,
                      stack_pointer);
    count_call(entry);
}

hook_answer call_with(hook_frame *frame, region_token token) noexcept {
    frame->serial = serial_in(token);
    frame->depth = static_cast<std::uint16_t>(depth_in(token));
    frame->slot = static_cast<std::uint16_t>(slot_in(token));
    return token != 0 ? hook_answer::call : hook_answer::jump;
}

hook_answer begin_region_of(hook_frame *frame) noexcept {
    hook_entry *entry = frame->entry;
    {
        const inside here(frame->stack_pointer());
        if (!here) return hook_answer::jump;
        frame->copied = readable_arguments(frame->stack_pointer(), entry->stack_bytes);
    }
    return call_with(frame, enter(entry, entry->kind, frame->stack_pointer()));
}

hook_entry *instrumented_entry(const hook_frame *frame) noexcept {
    const inside here(frame->stack_pointer());
    if (!here) return nullptr;
    const std::uintptr_t function = frame->arguments[0];
    return learn_instrumented() ? find_instrumented(function) : look_for_instrumented(function);
}

void pass_instrumented(const hook_frame *frame) noexcept {
    hook_entry *entry = instrumented_entry(frame);
    if (entry == nullptr) return;
    const std::uintptr_t body = frame->stack_pointer() + sizeof(std::uintptr_t);
    const hook_kind kind = entry->instrumented_kind;
    const bool is_frame = kind == hook_kind::frame || kind == hook_kind::trusted_frame;
    if (is_instrumented_exit(frame->entry)) {
        // Compilers end a function by a jump to the exit hook: its caller is ours then.
        const bool by_jump = frame->return_address() == frame->arguments[1];
        if (!is_frame)
            leave_instrumented_region(name_of(entry), body, by_jump, !exception_passes());
    } else if (is_frame) {
        turn(entry, kind, body);
    } else {
        end_stale_instrumented_region(name_of(entry), body);
        enter(entry, kind, body);
    }
}

// swapcontext comes back to its frame, setcontext never.
hook_answer switch_context(hook_frame *frame) noexcept {
    const hook_entry *entry = frame->entry;
    const bool comes_back = std::strcmp(entry->text(entry->name), "swapcontext") == 0;
    if (!comes_back)
        end_regions_jumped_over(
            stack_pointer_of_context(reinterpret_cast<const void *>(frame->arguments[0])));
    const region_token token = leave_stack(name_of(entry), frame->stack_pointer());
    frame->copied = 0;
    return comes_back ? call_with(frame, token) : hook_answer::jump;
}

hook_answer begin(hook_frame *frame) noexcept {
    hook_entry *entry = frame->entry;
    switch (entry->kind) {
    case hook_kind::region:
    case hook_kind::trusted_region:
    case hook_kind::paused:
        return begin_region_of(frame);
    case hook_kind::frame:
    case hook_kind::trusted_frame:
        turn(entry, entry->kind, frame->stack_pointer());
        break;
    case hook_kind::longjmp:
        if (const std::uintptr_t to =
                stack_pointer_in(reinterpret_cast<const void *>(frame->arguments[0]));
            to != 0)
            end_regions_jumped_over(to);
        break;
    case hook_kind::instrumented:
        pass_instrumented(frame);
        break;
    case hook_kind::context_switch:
        return switch_context(frame);
    }
    return hook_answer::jump;
}

region_token token_of(const hook_frame &frame) noexcept {
    return make_token(frame.slot, frame.depth, frame.serial);
}

void take_exclusions() noexcept {
    excluded_functions wanted[64];
    std::size_t count = 0;
    for (const hook_exclusion &one : hook_exclusions()) {
        if (count == std::size(wanted)) {
            log_raw("only the first %zu of --except are followed", count);
            break;
        }
        wanted[count++] = {one.text(one.module), one.text(one.function)};
    }
    exclude_callers(std::span(wanted).first(count));
}

} // namespace

extern "C" hook_answer scratch_hook_begin_slowly(hook_frame *frame) noexcept {
    const kept_errno keep_errno;
    start();
    const definition target = find_target(*frame->entry, frame->return_address());
    frame->target = target.address;
    const bool only_passes = !regions_allowed() || target.foreign;
    return only_passes ? hook_answer::jump : begin(frame);
}

extern "C" void scratch_hook_end_slowly(hook_frame *frame) noexcept {
    const kept_errno keep_errno;
    leave_region(token_of(*frame));
}

extern "C" int scratch_hook_personality(int, int actions, std::uint64_t, void *,
                                        void *context) noexcept {
    constexpr int cleanup_phase = 2;
    constexpr int continue_unwinding = 8;
    if ((actions & cleanup_phase) != 0) {
        const kept_errno keep_errno;
        const hook_frame *frame = unwound_frame(context, __builtin_return_address(0));
        end_unwound_region(frame != nullptr ? token_of(*frame) : 0);
    }
    return continue_unwinding;
}

void forget_noting_threads() noexcept {
    forget_who_notes_definitions();
    forget_instrumented_reader();
}

void start_hooks() noexcept {
    if (hook_entries().empty()) return;
    place_hook_counts();
    find_targets_at_start();
    if (!regions_allowed() || !prepare_machine_for_hooks()) return;
    take_exclusions();
    learn_jump_buffer();
    note_largest_stack();
    // Who sees it sees all that was prepared.
    __atomic_store_n(&scratch_hooks_live, 1, __ATOMIC_RELEASE);
}

} // namespace scratch::shim
