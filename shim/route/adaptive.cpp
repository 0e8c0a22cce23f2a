#include "shim/route/adaptive.hpp"

#include "shim/heap/chunks.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/next/next.hpp"
#include "shim/route/decision.hpp"
#include "shim/route/route.hpp"
#include "shim/route/samples.hpp"
#include "shim/route/sites.hpp"

namespace scratch::shim {

namespace {

constinit std::atomic<bool> regions_served{false};

// Larger blocks gain little by a cheaper call, and fill chunks.
constexpr std::size_t largest_routed = 4096;
// Retired chunks with live blocks that a thread may have before the sites of those blocks are
// looked at.
constexpr std::uint32_t tolerated_waiting = 2;
// What adaptive mode may hold of the budget: the memory of a program nobody asked about grows by
// less than a MiB.
constexpr std::size_t most_held = std::size_t{768} << 10;

bool is_eligible(const site &from, std::size_t size) noexcept {
    const site_state state = from.state.load(std::memory_order_relaxed);
    return size <= largest_routed && (state == site_state::eligible || state == site_state::routed);
}

// --- one call
// ---------------------------------------------------------------------------------------------

[[gnu::always_inline]] inline site_key key_of(origin from) noexcept {
    return make_site_key(from.caller, this_thread.stack_top - from.frame);
}

bool may_open_chunk(const thread_heap *heap) noexcept {
    return heap->current != nullptr || budget_has_room_below(most_held);
}

// Null where this call is not put on the stack.
[[gnu::noinline]] void *take_sample(std::size_t size, origin from) noexcept {
    const std::uint32_t passed = this_thread.interval;
    this_thread.interval = this_thread.countdown = sample_interval.load(std::memory_order_relaxed);
    site *sampled;
    {
        const inside here(from.frame);
        thread_heap *heap = here ? start_own_heap() : nullptr;
        if (heap == nullptr) return nullptr;
        heap->samples.clock += passed;
        // A trial is to find out what routing costs, not what samples do.
        if (phase_now.load(std::memory_order_relaxed) == phase::trying) {
            count_sample(passed, false);
            return nullptr;
        }
        sampled = find_site(key_of(from), from.caller);
        if (sampled == nullptr) return nullptr;
        sampled->sampled.fetch_add(1, std::memory_order_relaxed);
        sampled->bytes.fetch_add(size, std::memory_order_relaxed);
        count_sample(passed, is_eligible(*sampled, size));
        // A site that failed once is not asked again: every late block costs a place in a chunk.
        if (size > largest_routed || sampled->old.load(std::memory_order_relaxed) != 0)
            return nullptr;
        if (!may_open_chunk(heap)) return nullptr;
    }
    void *pushed = push_slowly(size, 1, 0, from.frame);
    if (pushed == nullptr) return nullptr;
    if (const inside here; here) watch(this_thread.own, *block_of(pushed), *sampled);
    return pushed;
}

[[gnu::always_inline]] inline bool is_time_for_sample() noexcept {
    return --this_thread.countdown == 0;
}

[[gnu::always_inline]] inline bool is_routed(origin from, std::uint32_t &place) noexcept {
    const site_key key = key_of(from);
    place = routed_place(key);
    return routed_sites[place] == key;
}

[[gnu::noinline]] void *push_routed_slowly(std::size_t size, std::uint32_t place) noexcept {
    if (size > largest_routed || this_thread.own == nullptr) return nullptr;
    if (!budget_has_room_below(most_held)) return nullptr;
    void *pushed = push_slowly(size, 1, place);
    // A heap that a handler's jump tore is gone by now.
    if (this_thread.own != nullptr && this_thread.own->retired_count > tolerated_waiting) {
        if (const inside here; here) demote_pinning_sites(this_thread.own);
    }
    return pushed;
}

// All that the two short entry points below leave out: regions, and counting what goes to `next`.
void *push_in_general(std::size_t size, origin from) noexcept {
    if (this_thread.own != nullptr && this_thread.own->regions.depth != 0)
        return push_in_region(size, 1, from);
    if (phase_now.load(std::memory_order_relaxed) == phase::gave_up) return nullptr;
    if (routes_now.load(std::memory_order_relaxed)) {
        if (std::uint32_t place; size <= largest_routed && is_routed(from, place)) {
            if (void *pushed = try_push(*this_thread.hot, size, place)) return pushed;
            return push_routed_slowly(size, place);
        }
    }
    return is_time_for_sample() ? take_sample(size, from) : nullptr;
}

// --- the entry points
// -------------------------------------------------------------------------------------

struct to_malloc {
    [[gnu::always_inline]] static void *call(std::size_t size, std::uintptr_t) {
        return next.malloc(size);
    }
};
struct to_operator_new {
    [[gnu::always_inline]] static void *call(std::size_t size, std::uintptr_t caller) {
        return call_next_new(size, caller);
    }
};

template <typename Next>
[[gnu::noinline]] void *sample_or_pass(std::size_t size, origin from) {
    void *pushed = take_sample(size, from);
    return pushed != nullptr ? pushed : Next::call(size, from.caller);
}

template <typename Next>
[[gnu::noinline]] void *routed_slowly(std::size_t size, std::uint32_t place, origin from) {
    void *pushed = push_routed_slowly(size, place);
    return pushed != nullptr ? pushed : Next::call(size, from.caller);
}

template <typename Next>
void *watching(std::size_t size) {
    const origin from = SCRATCH_ORIGIN;
    if (is_time_for_sample()) [[unlikely]]
        return sample_or_pass<Next>(size, from);
    return Next::call(size, from.caller);
}

template <typename Next>
void *routing(std::size_t size) {
    const origin from = SCRATCH_ORIGIN;
    if (std::uint32_t place; size <= largest_routed && is_routed(from, place)) [[likely]] {
        void *pushed = try_push<counted::yes, largest_routed>(*this_thread.hot, size, place);
        if (pushed != nullptr) [[likely]]
            return pushed;
        return routed_slowly<Next>(size, place, from);
    }
    if (is_time_for_sample()) [[unlikely]]
        return sample_or_pass<Next>(size, from);
    return Next::call(size, from.caller);
}

template <typename Next>
void *general(std::size_t size) {
    const origin from = SCRATCH_ORIGIN;
    if (void *pushed = push_in_general(size, from)) return pushed;
    count_next_call(size);
    return Next::call(size, from.caller);
}

template <typename Next>
malloc_function entry_point() noexcept {
    if (is_counting() || regions_served.load(std::memory_order_relaxed)) return general<Next>;
    if (phase_now.load(std::memory_order_relaxed) == phase::gave_up) return nullptr;
    return routes_now.load(std::memory_order_relaxed) ? routing<Next> : watching<Next>;
}

} // namespace

bool adaptive_only_samples() noexcept { return entry_point<to_malloc>() == &watching<to_malloc>; }

malloc_function adaptive_malloc() noexcept { return entry_point<to_malloc>(); }
malloc_function adaptive_new() noexcept { return entry_point<to_operator_new>(); }

bool regions_are_served() noexcept { return regions_served.load(std::memory_order_relaxed); }

void serve_regions() noexcept {
    if (regions_served.exchange(true, std::memory_order_relaxed)) return;
    reserve_narrowly(false);
    redirect_entries();
}

void *push_if_routed(std::size_t size, origin from) noexcept { return push_in_general(size, from); }

void demote_pinning_sites(thread_heap *heap) noexcept {
    chunk *oldest = nullptr;
    for (chunk *c = heap->retired; c != nullptr; c = c->next)
        if (!c->examined) oldest = c;
    if (oldest == nullptr) return;
    oldest->examined = true;
    --heap->retired_count;
    for_each_live_block(oldest, [](const block &live) {
        if (live.state != block_state::live) return;
        if (site *pinning = site_at_place(live.site)) demote_site(*pinning);
    });
}

} // namespace scratch::shim
