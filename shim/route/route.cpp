#include "shim/route/route.hpp"

#include "shim/heap/chunks.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/lifecycle/start.hpp"
#include "shim/next/next.hpp"
#include "shim/next/operators.hpp"
#include "shim/observe/counters.hpp"
#include "shim/route/adaptive.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

namespace {

constinit std::atomic<bool> counting{false};
constinit std::atomic<run_mode> mode_now{run_mode::off};

constinit std::atomic<bool> sparing_runtime{false};

enum class operators_of : std::uint8_t { unknown, runtime, program };
constinit std::atomic<operators_of> whose_operators{operators_of::unknown};

[[gnu::always_inline]] inline std::uintptr_t return_address() noexcept {
    return reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
}

void *new_from_next(std::size_t size);

void direct_new(malloc_function operator_new) noexcept {
    __atomic_store_n(&entries.operator_new, operator_new, __ATOMIC_RELAXED);
}

// --- mode scoped
// ----------------------------------------------------------------------------------------

[[gnu::noinline]] void *scoped_malloc_slowly(std::size_t size, std::uintptr_t caller) noexcept {
    if (void *pushed = push_in_region(size, 1, caller)) return pushed;
    count_next_call(size);
    return next.malloc(size);
}

// The runtime's own calls are told from others once a trusted region was entered; blocks that it
// keeps escape from counted regions like any others.
template <bool spare_runtime, counted count>
void *scoped_malloc(std::size_t size) noexcept {
    if (!spare_runtime || !SCRATCH_CALLER_MAY_BE_RUNTIME) [[likely]] {
        void *pushed = try_push<count>(size, static_cast<std::uint32_t>(return_address()));
        if (pushed != nullptr) [[likely]]
            return pushed;
    }
    return scoped_malloc_slowly(size, return_address());
}

[[gnu::noinline]] void *scoped_new_slowly(std::size_t size, std::uintptr_t caller) {
    if (void *pushed = push_in_region(size, 1, caller)) return pushed;
    count_next_call(size);
    return call_next_new(size, caller);
}

template <bool spare_runtime, counted count>
void *scoped_new(std::size_t size) {
    if (!spare_runtime || !SCRATCH_CALLER_MAY_BE_RUNTIME) [[likely]] {
        void *pushed = try_push<count>(size, static_cast<std::uint32_t>(return_address()));
        if (pushed != nullptr) [[likely]]
            return pushed;
    }
    return scoped_new_slowly(size, return_address());
}

// --- before start, and pass-through
// ---------------------------------------------------------------------

void *first_malloc(std::size_t size) noexcept {
    start();
    return next.malloc(size);
}

void *first_new(std::size_t size) {
    const std::uintptr_t caller = return_address();
    start();
    return call_next_new(size, caller);
}

malloc_function routed_malloc() noexcept {
    if (mode_now.load(std::memory_order_relaxed) == run_mode::adaptive) return adaptive_malloc();
    const bool sparing = sparing_runtime.load(std::memory_order_relaxed);
    if (is_counting())
        return sparing ? scoped_malloc<true, counted::yes> : scoped_malloc<false, counted::yes>;
    return sparing ? scoped_malloc<true, counted::no> : scoped_malloc<false, counted::no>;
}

malloc_function routed_new() noexcept {
    if (mode_now.load(std::memory_order_relaxed) == run_mode::adaptive) return adaptive_new();
    const bool sparing = sparing_runtime.load(std::memory_order_relaxed);
    if (is_counting())
        return sparing ? scoped_new<true, counted::yes> : scoped_new<false, counted::yes>;
    return sparing ? scoped_new<true, counted::no> : scoped_new<false, counted::no>;
}

// Looked at when the first operator is called: programs in C have none to look up.
void *first_routed_new(std::size_t size) {
    const std::uintptr_t caller = return_address();
    if (!operators_are_routed()) {
        direct_new(new_from_next);
        return call_next_new(size, caller);
    }
    direct_new(routed_new());
    return scoped_new_slowly(size, caller);
}

void *new_from_next(std::size_t size) { return call_next_new(size, return_address()); }

void direct(malloc_function malloc, malloc_function operator_new, bool routing) noexcept {
    __atomic_store_n(&entries.malloc, malloc, __ATOMIC_RELAXED);
    direct_new(operator_new);
    __atomic_store_n(&entries.routing, routing, __ATOMIC_RELAXED);
}

} // namespace

void *call_next_new(std::size_t size, std::uintptr_t caller) {
    using function = void *(*)(std::size_t);
    void *found = next_operator(cxx_operator::plain_new, reinterpret_cast<void *>(caller));
    return reinterpret_cast<function>(found)(size);
}

void *push_in_region(std::size_t size, std::size_t alignment, std::uintptr_t caller) noexcept {
    thread_heap *heap = this_thread.own;
    if (heap == nullptr || heap->regions.depth == 0) return nullptr;
    if (may_be_runtime(caller) && is_runtime(caller)) return nullptr;
    if (alignment > largest_alignment) return nullptr;
    if (alignment <= sizeof(block))
        if (void *pushed = try_push(size, static_cast<std::uint32_t>(caller))) return pushed;
    {
        const inside here;
        if (!here) return nullptr;
        end_finished_regions(heap, stack_pointer());
    }
    if (heap->regions.depth == 0) return nullptr;
    if (!heap->regions.open[heap->regions.depth - 1].trusted && this_thread.limit == 0 &&
        !budget_has_room()) {
        counters().budget_refusals.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    return push_slowly(size, alignment, static_cast<std::uint32_t>(caller));
}

constinit entry_points entries{{first_malloc}, {first_new}, {false}};

void direct_entries(run_mode mode, bool count_calls) noexcept {
    counting.store(count_calls, std::memory_order_relaxed);
    mode_now.store(mode, std::memory_order_relaxed);
    push_outside_regions(mode == run_mode::adaptive);
    redirect_entries();
}

void spare_runtime() noexcept {
    if (sparing_runtime.exchange(true, std::memory_order_relaxed)) return;
    learn_runtime();
    redirect_entries();
}

void stand_aside() noexcept { direct_entries(run_mode::off, false); }

void redirect_entries() noexcept {
    const run_mode mode = mode_now.load(std::memory_order_relaxed);
    if (mode != run_mode::scoped && mode != run_mode::adaptive)
        return direct(next.malloc, new_from_next, false);
    malloc_function malloc = routed_malloc();
    const bool routing = malloc != nullptr;
    direct(routing ? malloc : next.malloc, routing ? first_routed_new : new_from_next, routing);
}

bool is_counting() noexcept { return counting.load(std::memory_order_relaxed); }

bool regions_allowed() noexcept {
    return mode_now.load(std::memory_order_relaxed) != run_mode::off;
}

void *push_if_tagged(std::size_t size, std::size_t alignment, origin from) noexcept {
    if (!entries.routing) return nullptr;
    void *pushed =
        mode_now.load(std::memory_order_relaxed) == run_mode::adaptive && alignment <= sizeof(block)
            ? push_if_routed(size, from)
            : push_in_region(size, alignment, from.caller);
    if (pushed != nullptr) return pushed;
    count_next_call(size);
    return nullptr;
}

void *push_tagged(std::size_t size, std::uintptr_t caller) noexcept {
    if (!regions_allowed()) return nullptr;
    if (void *pushed = try_push_tagged(size, static_cast<std::uint32_t>(caller))) return pushed;
    return push_slowly(size, 1, static_cast<std::uint32_t>(caller));
}

void *allocate_tagged(std::size_t size, std::uintptr_t caller) noexcept {
    void *pushed = push_tagged(size, caller);
    return pushed != nullptr ? pushed : next.malloc(size);
}

bool operators_are_routed() noexcept {
    switch (whose_operators.load(std::memory_order_relaxed)) {
    case operators_of::runtime:
        return true;
    case operators_of::program:
        return false;
    case operators_of::unknown:
        break;
    }
    const bool runtimes = operators_are_the_runtimes();
    if (!runtimes)
        counters().stood_aside.store(static_cast<std::uint32_t>(stand_aside_reason::own_operators),
                                     std::memory_order_relaxed);
    whose_operators.store(runtimes ? operators_of::runtime : operators_of::program,
                          std::memory_order_relaxed);
    return runtimes;
}

void count_next_call(std::size_t size) noexcept {
    if (!counting.load(std::memory_order_relaxed)) [[likely]]
        return;
    if (this_thread.own == nullptr) {
        const inside here;
        if (!here || start_own_heap() == nullptr) return;
    }
    ++this_thread.counted.next_calls;
    this_thread.counted.next_bytes += size;
}

} // namespace scratch::shim
