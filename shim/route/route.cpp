#include "shim/route/route.hpp"

#include "core/tasks.hpp"
#include "shim/check/start.hpp"
#include "shim/heap/chunks.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/lifecycle/start.hpp"
#include "shim/next/next.hpp"
#include "shim/next/operators.hpp"
#include "shim/observe/counters.hpp"
#include "shim/region/own_stack.hpp"
#include "shim/route/adaptive.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

namespace {

constinit std::atomic<bool> counting{false};
constinit std::atomic<run_mode> mode_now{run_mode::off};

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

// The common case is in the exported malloc; here come full chunks, the runtime's own calls, and
// all calls where they are counted.
[[gnu::noinline]] void *push_or_pass(std::size_t size, origin from) noexcept {
    if (void *pushed = push_in_region(size, 1, from)) return pushed;
    count_next_call(size);
    return next.malloc(size);
}

// What a program pays for regions that it has not opened.
[[gnu::always_inline]] inline bool is_outside_regions() noexcept {
    const thread_heap *heap = this_thread.own;
    return heap == nullptr || (heap->regions.depth == 0 && !heap->plain_calls_outside);
}

// Threads without a region, and those whose innermost region serves the thread's own stack only:
// the exported malloc does not ask where it is called.
void *scoped_malloc(std::size_t size) noexcept {
    if (is_outside_regions()) return next.malloc(size);
    const origin from = SCRATCH_ORIGIN;
    hot_words &hot = *this_thread.hot;
    if (serves_stack(hot, from.frame) && !may_be_runtime(from.caller)) [[likely]]
        if (void *pushed = try_push_in_region<counted::no>(hot, size, 0)) return pushed;
    return push_or_pass(size, from);
}

void *counting_malloc(std::size_t size) noexcept { return push_or_pass(size, SCRATCH_ORIGIN); }

void *scoped_new(std::size_t size) {
    const origin from = SCRATCH_ORIGIN;
    if (void *pushed = push_in_region(size, 1, from)) return pushed;
    count_next_call(size);
    return call_next_new(size, from.caller);
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
    return is_counting() ? counting_malloc : scoped_malloc;
}

malloc_function routed_new() noexcept {
    return mode_now.load(std::memory_order_relaxed) == run_mode::adaptive ? adaptive_new()
                                                                          : scoped_new;
}

// Looked at when the first operator is called: programs in C have none to look up.
void *first_routed_new(std::size_t size) {
    const std::uintptr_t caller = return_address();
    if (!operators_are_routed()) {
        direct_new(new_from_next);
        return call_next_new(size, caller);
    }
    // Another thread may have found meanwhile that nothing is gained: then there is no routed one.
    const malloc_function routed = routed_new();
    direct_new(routed != nullptr ? routed : new_from_next);
    __atomic_store_n(&entries.new_pushes_itself, true, __ATOMIC_RELAXED);
    return entries.operator_new(size);
}

// Where nothing is routed; gone from the way as soon as the next operator is known.
void *new_from_next(std::size_t size) {
    const std::uintptr_t caller = return_address();
    void *found = next_operator(cxx_operator::plain_new, reinterpret_cast<void *>(caller));
    const auto known = reinterpret_cast<malloc_function>(
        known_operators[static_cast<std::size_t>(cxx_operator::plain_new)].load(
            std::memory_order_relaxed));
    if (known != nullptr && entries.operator_new == new_from_next) direct_new(known);
    return reinterpret_cast<malloc_function>(found)(size);
}

void direct(malloc_function malloc, malloc_function operator_new, bool routing) noexcept {
    __atomic_store_n(&entries.malloc, malloc, __ATOMIC_RELAXED);
    direct_new(operator_new);
    __atomic_store_n(&entries.new_pushes_itself, false, __ATOMIC_RELAXED);
    __atomic_store_n(&entries.routing, routing, __ATOMIC_RELAXED);
}

// Whether what such a caller makes is left to `next`. Where no trusted region is open, so that
// nothing is reset that was not freed, only what the options except is.
bool makes_what_lives_on(const thread_heap *heap, std::uintptr_t caller) noexcept {
    if (!may_be_runtime(caller)) [[likely]]
        return false;
    return is_within_trusted(heap) ? is_runtime(caller) : is_excepted(caller);
}

} // namespace

void *call_next_new(std::size_t size, std::uintptr_t caller) {
    using function = void *(*)(std::size_t);
    void *found = next_operator(cxx_operator::plain_new, reinterpret_cast<void *>(caller));
    return reinterpret_cast<function>(found)(size);
}

void *push_in_region(std::size_t size, std::size_t alignment, origin from) noexcept {
    const std::uintptr_t caller = from.caller;
    thread_heap *heap = this_thread.own;
    if (is_outside_regions()) return nullptr;
    if (makes_what_lives_on(heap, caller)) return nullptr;
    if (alignment > largest_alignment) return nullptr;
    if (!serves_stack(heap->hot, from.frame)) [[unlikely]] {
        // On the own stack the region's function may be over.
        if (!is_on_own_stack(from.frame)) return nullptr;
    } else if (alignment <= sizeof(block)) {
        if (void *pushed = try_push_in_region<counted::yes>(*this_thread.hot, size,
                                                            static_cast<std::uint32_t>(caller)))
            return pushed;
    }
    if (heap->regions.depth == 0) return nullptr;
    {
        const inside here(from.frame);
        if (!here) return nullptr;
        if (heap != this_thread.own) return nullptr; // torn, and left behind
        end_finished_regions(heap, stack_pointer());
    }
    if (heap->regions.depth == 0 || !serves_stack(heap->hot, from.frame)) return nullptr;
    if (heap->regions.open[heap->regions.depth - 1].kind == region_kind::paused) return nullptr;
    if (!heap->regions.open[heap->regions.depth - 1].trusted && heap->hot.limit == 0 &&
        heap->hot.brief_limit == 0 && !budget_has_room()) {
        counters().budget_refusals.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    return push_slowly(size, alignment, static_cast<std::uint32_t>(caller), from.frame);
}

constinit entry_points entries{first_malloc, first_new, false, false, false, false, false, false};

void direct_entries(run_mode mode, bool count_calls) noexcept {
    counting.store(count_calls, std::memory_order_relaxed);
    mode_now.store(mode, std::memory_order_relaxed);
    push_outside_regions(mode == run_mode::adaptive);
    if (mode == run_mode::adaptive) reserve_narrowly(true);
    redirect_entries();
}

void stand_aside() noexcept {
    check::stand_aside();
    direct_entries(run_mode::off, false);
    // A thread that gave itself room without having seen the mode yet has its room in sight now,
    // and whoever gives himself room later sees the mode as he leaves the shim.
    tasks::order_all_threads();
    // Threads with a region open push in malloc itself as long as they have room.
    for (std::uint32_t slot = 0; slot < heaps_ever_started(); ++slot)
        for (std::uintptr_t *limit : {&heap_at(slot)->hot.limit, &heap_at(slot)->hot.brief_limit})
            __atomic_store_n(limit, 0, __ATOMIC_RELAXED);
}

bool malloc_pushes_itself() noexcept { return entries.malloc_pushes_itself; }

void redirect_entries() noexcept {
    const run_mode mode = mode_now.load(std::memory_order_relaxed);
    __atomic_store_n(&entries.malloc_pushes_itself,
                     mode == run_mode::scoped && !is_counting() && !has_exclusions(),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&entries.regions_allowed, mode != run_mode::off, __ATOMIC_RELAXED);
    __atomic_store_n(&entries.regions_served,
                     mode != run_mode::off && mode != run_mode::check && regions_are_served(),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&entries.only_sampling, mode == run_mode::adaptive && adaptive_only_samples(),
                     __ATOMIC_RELAXED);
    if (mode != run_mode::scoped && mode != run_mode::adaptive)
        return direct(next.malloc, new_from_next, false);
    malloc_function malloc = routed_malloc();
    const bool routing = malloc != nullptr;
    direct(routing ? malloc : next.malloc, routing ? first_routed_new : new_from_next, routing);
}

bool regions_alone_are_served() noexcept {
    return entries.routing && mode_now.load(std::memory_order_relaxed) == run_mode::scoped;
}

bool is_counting() noexcept { return counting.load(std::memory_order_relaxed); }

bool regions_allowed() noexcept { return entries.regions_allowed; }

bool blocks_are_checked() noexcept {
    return mode_now.load(std::memory_order_relaxed) == run_mode::check;
}

void *push_or_count(std::size_t size, std::size_t alignment, origin from) noexcept {
    void *pushed =
        mode_now.load(std::memory_order_relaxed) == run_mode::adaptive && alignment <= sizeof(block)
            ? push_if_routed(size, from)
            : push_in_region(size, alignment, from);
    if (pushed != nullptr) return pushed;
    count_next_call(size);
    return nullptr;
}

void *push_tagged(std::size_t size, std::uintptr_t caller) noexcept {
    if (!regions_allowed() || blocks_are_checked()) return nullptr;
    if (!serves_stack(*this_thread.hot, stack_pointer())) return nullptr;
    if (void *pushed = try_push_tagged(*this_thread.hot, size, static_cast<std::uint32_t>(caller)))
        return pushed;
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
    ++this_thread.own->hot.counted.next_calls;
    this_thread.own->hot.counted.next_bytes += size;
}

} // namespace scratch::shim
