#include "core/stack.hpp"

#include "core/checks.hpp"
#include "core/pages.hpp"
#include "core/registry.hpp"
#include "core/threads.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <limits>

namespace scratch {
namespace {

constexpr std::size_t gibibyte = std::size_t{1} << 30;
constexpr std::size_t default_reserve = 16 * gibibyte;
// Where addresses are short (39 bits, many stacks), but memory is not limited.
constexpr std::size_t least_reserve = gibibyte;
// Under a limit the program needs its addresses itself: halving until it fits would take nearly
// all.
constexpr std::size_t share_of_limit = 16;
constexpr std::size_t least_reserve_under_limit = 64 * 1024;
constexpr std::size_t huge_page = 2 * 1024 * 1024;

struct range {
    void *start;
    std::size_t size;
};

/// Room for `usable` bytes, the guards, and the alignment of the base.
range reserve_with_guards(std::size_t usable, std::size_t alignment) noexcept {
    const std::size_t page = pages::page_size();
    const std::size_t guards = page + std::max(alignment, page);
    if (usable > (std::numeric_limits<std::size_t>::max() >> 1) - guards) {
        errno = ENOMEM;
        return {nullptr, 0};
    }
    return {pages::reserve(usable + guards, alignment), usable + guards};
}

range reserve(const scratch_options &options, std::size_t alignment) noexcept {
    const std::size_t page = pages::page_size();
    if (options.reserve != 0) {
        if (options.reserve > std::numeric_limits<std::size_t>::max() >> 1) {
            errno = ENOMEM;
            return {nullptr, 0};
        }
        return reserve_with_guards(bump::align_up(options.reserve, page), alignment);
    }
    const std::size_t limit = pages::address_space_limit();
    const bool limited = limit != std::numeric_limits<std::size_t>::max();
    const std::size_t least = limited ? least_reserve_under_limit : least_reserve;
    std::size_t wanted = default_reserve;
    if (limited) wanted = std::min(wanted, bump::align_down(limit / share_of_limit, page));
    for (; wanted >= least; wanted = bump::align_down(wanted / 2, page)) {
        const range taken = reserve_with_guards(wanted, alignment);
        if (taken.start != nullptr) return taken;
    }
    errno = ENOMEM;
    return {nullptr, 0};
}

/// An empty stack on a reservation that is there.
void ready(stack_state &state, scratch_stack *words, const scratch_options &options) noexcept {
    state.stack = words != nullptr ? words : &state.words;
    state.touched = state.populated = state.peak = state.base;
    state.populate_step = 0;
    state.newest = nullptr;
    state.next_of_thread = nullptr;
    state.oom = nullptr;
    state.oom_context = nullptr;
    state.keep = options.keep != 0 ? options.keep : std::numeric_limits<std::size_t>::max();
    state.flags = options.flags;
    state.redzone = checks::watched() ? checks::watched_redzone : 0;
    state.checked = checked_by_default() || (options.flags & SCRATCH_CHECKED) != 0;
    const char *const name = options.name != nullptr ? options.name : "stack";
    std::memset(state.name, 0, sizeof state.name);
    std::memcpy(state.name, name, std::min(std::strlen(name), sizeof state.name - 1));
    static_assert(sizeof state.name == sizeof state.figures.name);
    for (std::size_t index = 0; index < std::size(state.figures.name); ++index) {
        std::uint64_t letters = 0;
        std::memcpy(&letters, state.name + index * sizeof letters, sizeof letters);
        state.figures.name[index].store(letters, std::memory_order_relaxed);
    }
    state.user.store(thread_identity(), std::memory_order_relaxed);
    state.figures.commits.store(0, std::memory_order_relaxed);
    state.figures.populated.store(0, std::memory_order_relaxed);
    state.figures.trimmed.store(0, std::memory_order_relaxed);
    state.stack->state = &state;
    state.stack->top = state.base;
    set_top(state, state.base);
    publish_figures(state);
}

} // namespace

bool checked_by_default() noexcept {
#ifdef SCRATCH_DEBUG
    return true;
#else
    return checks::watched();
#endif
}

bool open_reservation(stack_state &state, scratch_stack *words,
                      const scratch_options &options) noexcept {
    const std::size_t page = pages::page_size();
    const bool huge = (options.flags & SCRATCH_HUGE_PAGES) != 0;
    const std::size_t alignment = huge ? huge_page : page;
    range taken = reserve(options, alignment);
    if (taken.start == nullptr) {
        threads::bury_all();
        taken = reserve(options, alignment);
        if (taken.start == nullptr) return false;
    }
    const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(taken.start);
    state.reservation = taken.start;
    state.reservation_size = taken.size;
    // The guard before is a page, or all of a huge page where the base has to be aligned to one.
    state.base = bump::align_up(start + page, alignment);
    state.end = start + taken.size - page;
    state.committed = state.base;
    if (huge) pages::advise_huge(reinterpret_cast<void *>(state.base), state.end - state.base);
    ready(state, words, options);
    if (state.redzone != 0) checks::stack_made(&state);
    return true;
}

void reopen_reservation(stack_state &state, scratch_stack *words,
                        const scratch_options &options) noexcept {
    // What the last owner touched is neither zero nor this owner's to hold.
    const std::uintptr_t touched = std::max(state.touched, state.populated);
    void *const base = reinterpret_cast<void *>(state.base);
    if (state.redzone != 0) checks::allow(state.base, touched - state.base);
    if (touched > state.base && !pages::decommit(base, touched - state.base)) {
        std::memset(base, 0, touched - state.base);
    }
    if (state.redzone != 0) {
        checks::forget_blocks_above(&state, state.base, state.base);
        checks::forbid(state.base, state.committed - state.base);
    }
    ready(state, words, options);
}

void close_reservation(stack_state &state) noexcept {
    if (state.redzone != 0) {
        checks::allow(state.base, state.committed - state.base);
        checks::stack_ended(&state);
    }
    pages::release(state.reservation, state.reservation_size);
    state.reservation = nullptr;
}

} // namespace scratch
