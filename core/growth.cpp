#include "core/stack.hpp"

#include "core/checks.hpp"
#include "core/pages.hpp"
#include "core/threads.hpp"

#include <algorithm>
#include <cerrno>

namespace scratch {
namespace {

// The first commit: what a thread that uses its stack a little holds at most. mprotect takes as
// long for a page as for 256 KiB, so steps double until a call is rare beside the page faults that
// it enables.
constexpr std::size_t first_commit = 64 * 1024;
constexpr std::size_t largest_commit = 4 * 1024 * 1024;
constexpr std::size_t huge_page = 2 * 1024 * 1024;

// Ahead of use, once growth repeats: from few enough pages that a mistake is cheap.
constexpr std::size_t first_populate = 64 * 1024;
constexpr std::size_t largest_populate = 2 * 1024 * 1024;

void *pointer(std::uintptr_t address) noexcept { return reinterpret_cast<void *>(address); }

void add(std::atomic<std::size_t> &figure, std::size_t amount) noexcept {
    figure.store(figure.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

bool commit_up_to(stack_state &state, std::uintptr_t needed) noexcept {
    const std::size_t held = state.committed - state.base;
    std::size_t step = std::clamp(held, first_commit, largest_commit);
    if ((state.flags & SCRATCH_HUGE_PAGES) != 0) step = std::max(step, huge_page);
    const std::uintptr_t wished =
        state.end - state.committed < step ? state.end : state.committed + step;
    std::uintptr_t until = std::max(needed, wished);
    if (!pages::commit(pointer(state.committed), until - state.committed)) {
        // Memory is short: what the dead have left, and only what is needed.
        threads::bury_all();
        until = needed;
        if (!pages::commit(pointer(state.committed), until - state.committed)) {
            errno = ENOMEM;
            return false;
        }
    }
    if (state.redzone != 0) checks::forbid(state.committed, until - state.committed);
    state.committed = until;
    add(state.figures.commits, 1);
    return true;
}

/// Growth that repeats is growth into what was in use before: it is put in place ahead, in growing
/// steps.
void populate_ahead(stack_state &state, std::uintptr_t needed) noexcept {
    if (needed <= state.populated || state.touched >= state.peak) return;
    const std::uintptr_t from = std::max(state.touched, state.populated);
    const std::size_t step = std::max(state.populate_step, first_populate);
    const std::uintptr_t wished = std::max(needed, from + step);
    const std::uintptr_t until =
        std::max(needed, std::min(wished, std::min(state.peak, state.committed)));
    if (!pages::populate(pointer(from), until - from)) return;
    state.populated = until;
    state.populate_step = std::min(step * 2, largest_populate);
    add(state.figures.populated, until - from);
}

} // namespace

bool grow(stack_state &state, std::uintptr_t top) noexcept {
    const std::uintptr_t needed = bump::align_up(top, pages::page_size());
    if (needed > state.committed) {
        if (!commit_up_to(state, needed)) return false;
        threads::bury_some();
    }
    populate_ahead(state, needed);
    state.touched = needed;
    state.peak = std::max(state.peak, needed);
    publish_figures(state);
    return true;
}

std::size_t trim(stack_state &state, std::size_t keep) noexcept {
    const std::uintptr_t top = state.stack->top;
    if (keep >= state.touched - top) return 0;
    const std::uintptr_t from = bump::align_up(top + keep, pages::page_size());
    const std::uintptr_t until = std::max(state.touched, state.populated);
    if (from >= until || !pages::decommit(pointer(from), until - from)) return 0;
    const std::size_t given_back = until - from;
    state.touched = std::min(state.touched, from);
    state.populated = 0;
    state.populate_step = 0;
    add(state.figures.trimmed, given_back);
    publish_figures(state);
    return given_back;
}

bool holds_too_much(const stack_state &state) noexcept {
    // Twice the limit before anything is done: a stack that swings around it is left alone.
    return state.keep < (SIZE_MAX >> 1) && state.touched - state.base > 2 * state.keep;
}

void publish_figures(stack_state &state) noexcept {
    const auto put = [](std::atomic<std::size_t> &figure, std::size_t value) {
        figure.store(value, std::memory_order_relaxed);
    };
    put(state.figures.used, state.stack->top - state.base);
    put(state.figures.high_water, state.peak - state.base);
    put(state.figures.touched, state.touched - state.base);
    put(state.figures.committed, state.committed - state.base);
    put(state.figures.reserved, state.end - state.base);
}

} // namespace scratch
