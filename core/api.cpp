// The C functions that are a line or two over the insides, in the order of scratch.h.

#include "core/checks.hpp"
#include "core/registry.hpp"
#include "core/stack.hpp"
#include "core/threads.hpp"

#include <cerrno>
#include <cstring>

namespace scratch {
namespace {

constexpr unsigned known_flags = SCRATCH_HUGE_PAGES | SCRATCH_CHECKED;

struct common_handler {
    std::atomic<scratch_oom_handler> handler;
    std::atomic<void *> context;
};
constinit common_handler common{};

/// Tries until there is room, or the program has been stopped.
template <typename attempt_t>
auto never_null(scratch_stack *stack, std::size_t size, attempt_t attempt) {
    for (;;) {
        if (auto result = attempt()) return result;
        make_room(stack, size);
    }
}

void clear_known(void *block, std::size_t size, std::uintptr_t fresh) noexcept {
    const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(block);
    if (start < fresh) scratch_fill(block, 0, size < fresh - start ? size : fresh - start);
}

} // namespace

bool make_room(scratch_stack *stack, std::size_t size) {
    const int error = errno;
    const stack_state *const state = stack->state;
    checks::message report;
    const char *const name = state != nullptr ? state->name : "thread";
    if (error != ENOMEM) {
        report.text("scratch: a push on stack ").quoted(name);
        report.text(" has an alignment that is no power of two, or the stack of another thread")
            .stop();
    }
    const bool own = state != nullptr && state->oom != nullptr;
    const scratch_oom_handler handler =
        own ? state->oom : common.handler.load(std::memory_order_acquire);
    void *const context = own ? state->oom_context : common.context.load(std::memory_order_acquire);
    if (handler != nullptr && handler(stack, size, context)) return true;
    report.text("scratch: out of memory: stack ")
        .quoted(name)
        .text(" has no room for ")
        .number(size);
    report.text(" bytes");
    if (state != nullptr) {
        report.text(", of ").number(state->end - state->base).text(" it uses ");
        report.number(stack->top - state->base);
    }
    report.stop();
}

} // namespace scratch

using namespace scratch;

extern "C" {

scratch_stack *scratch_stack_create(const scratch_options *options) {
    const scratch_options chosen = options != nullptr ? *options : scratch_options{};
    if ((chosen.flags & ~known_flags) != 0) {
        errno = EINVAL;
        return nullptr;
    }
    stack_state *const slot = registry::take();
    if (slot == nullptr) return nullptr;
    const bool opened = open_reservation(*slot, nullptr, chosen);
    registry::settle(*slot, opened ? task::the_program : task::nobody);
    return opened ? slot->stack : nullptr;
}

void scratch_stack_destroy(scratch_stack *stack) {
    if (stack == nullptr || stack->state == nullptr) return;
    stack_state &state = *stack->state;
    unwind(state, state.base);
    const slot_owner owner = state.owner.load(std::memory_order_relaxed);
    if (owner.task != task::the_program) {
        trim(state, 0);
        return;
    }
    if (!registry::seize(state, owner)) return;
    close_reservation(state);
    registry::settle(state, task::nobody);
}

void scratch_hand_over(scratch_stack *stack) {
    if (stack_state *const state = state_of(stack))
        state->user.store(nullptr, std::memory_order_release);
}

void scratch_take_over(scratch_stack *stack) {
    stack_state *const state = state_of(stack);
    if (state == nullptr) return;
    const void *nobody = nullptr;
    if (state->user.compare_exchange_strong(nobody, thread_identity(), std::memory_order_acq_rel))
        return;
    if (!state->checked || nobody == thread_identity()) return;
    checks::message report;
    report.text("scratch: stack ").quoted(state->name);
    report.text(" is taken over by a thread, but its owner has not handed it over").stop();
}

void *scratch_try_push_slow_(scratch_stack *stack, size_t size, size_t alignment) {
    return push(stack, size, alignment);
}

void *scratch_push_slow_(scratch_stack *stack, size_t size, size_t alignment) {
    return never_null(stack, size, [=] { return push(stack, size, alignment); });
}

void *scratch_try_push_zero_slow_(scratch_stack *stack, size_t size, size_t alignment) {
    std::uintptr_t fresh = 0;
    void *const block = push(stack, size, alignment, &fresh);
    if (block != nullptr) clear_known(block, size, fresh);
    return block;
}

void *scratch_push_zero_slow_(scratch_stack *stack, size_t size, size_t alignment) {
    return never_null(stack, size,
                      [=] { return scratch_try_push_zero_slow_(stack, size, alignment); });
}

void *scratch_try_resize(scratch_stack *stack, void *block, size_t old_size, size_t new_size,
                         size_t alignment) {
    return resize(stack, block, old_size, new_size, alignment);
}

void *scratch_resize(scratch_stack *stack, void *block, size_t old_size, size_t new_size,
                     size_t alignment) {
    return never_null(stack, new_size,
                      [=] { return resize(stack, block, old_size, new_size, alignment); });
}

bool scratch_owns(const scratch_stack *stack, const void *address) {
    const stack_state *const state = stack->state;
    if (state == nullptr) return false;
    return reinterpret_cast<std::uintptr_t>(address) - state->base < stack->top - state->base;
}

bool scratch_try_defer(scratch_stack *stack, void (*function)(void *), void *argument) {
    return defer(stack, function, argument);
}

void scratch_defer(scratch_stack *stack, void (*function)(void *), void *argument) {
    never_null(stack, sizeof(deferred_record), [=] { return defer(stack, function, argument); });
}

size_t scratch_trim(scratch_stack *stack, size_t keep) {
    threads::bury_all();
    if (stack->state == nullptr) return 0;
    const size_t given_back = trim(*stack->state, keep);
    set_top(*stack->state, stack->top);
    return given_back;
}

void scratch_set_oom(scratch_stack *stack, scratch_oom_handler handler, void *context) {
    if (stack == nullptr) {
        common.context.store(context, std::memory_order_release);
        common.handler.store(handler, std::memory_order_release);
        return;
    }
    if (stack_state *const state = state_of(stack)) {
        state->oom = handler;
        state->oom_context = context;
    }
}
}
