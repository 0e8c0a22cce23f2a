#include "shim/heap/chunks.hpp"

#include <cstring>
#include <utility>

#include "shim/heap/fatal.hpp"
#include "shim/heap/statistics.hpp"
#include "shim/observe/counters.hpp"

namespace scratch::shim {

// What this process holds is not in the shared mapping, which a forked child has to replace: the
// child goes on holding its copies of the chunks.
constinit budget_words budgeted{};

namespace {

// What trusted regions may hold before their chunks are looked through for blocks that were freed:
// a short region needs none of that, a long one must not grow with all it ever took.
constexpr std::size_t unsettled_trusted = std::size_t{3} << 20;

constinit std::atomic<bool> plain_calls_outside{false};

constinit std::atomic<std::size_t> held_trusted{0};

void show(std::atomic<std::uint64_t> &now, std::atomic<std::uint64_t> &peak,
          std::size_t held) noexcept {
    now.store(held, std::memory_order_relaxed);
    if (peak.load(std::memory_order_relaxed) < held) peak.store(held, std::memory_order_relaxed);
}

bool charge(thread_heap *heap, bool trusted) noexcept {
    if (heap->charged_ahead[trusted]) {
        heap->charged_ahead[trusted] = false;
        return true;
    }
    if (trusted) {
        const std::size_t held =
            held_trusted.fetch_add(chunk_size, std::memory_order_relaxed) + chunk_size;
        show(counters().trusted_bytes, counters().trusted_bytes_peak, held);
        return true;
    }
    const std::size_t held =
        budgeted.held.fetch_add(chunk_size, std::memory_order_relaxed) + chunk_size;
    if (held > budgeted.budget) {
        budgeted.held.fetch_sub(chunk_size, std::memory_order_relaxed);
        return false;
    }
    show(counters().chunk_bytes, counters().chunk_bytes_peak, held);
    return true;
}

void discharge(thread_heap *heap, bool trusted) noexcept {
    if (!heap->charged_ahead[trusted] && (trusted || may_charge_ahead())) {
        heap->charged_ahead[trusted] = true;
        return;
    }
    (trusted ? held_trusted : budgeted.held).fetch_sub(chunk_size, std::memory_order_relaxed);
}

// Every block up to the top was written by push: a header that leads elsewhere was overwritten.
template <typename Visit>
[[gnu::always_inline]] inline void for_each_block(chunk *c, std::uintptr_t top,
                                                  Visit &&visit) noexcept {
    const walk walked = walk_blocks(*c, top, [&](block &at) {
        visit(at);
        return false;
    });
    if (walked.here != top) refuse_to_go_on(reinterpret_cast<block *>(walked.here)->payload());
}

// Whether the header above a freed block knows of the hole.
bool is_noted(block &freed) noexcept { return freed.above()->hole_below >= freed.size; }

region *innermost(thread_heap *heap) noexcept {
    return heap->regions.depth == 0 ? nullptr : &heap->regions.open[heap->regions.depth - 1];
}

} // namespace

void push_outside_regions(bool plain_calls) noexcept {
    plain_calls_outside.store(plain_calls, std::memory_order_relaxed);
}

void set_budget(std::size_t bytes) noexcept { budgeted.budget = bytes; }

bool budget_has_room() noexcept {
    return budgeted.held.load(std::memory_order_relaxed) + chunk_size <= budgeted.budget;
}

bool budget_has_room_below(std::size_t bytes) noexcept {
    return budgeted.held.load(std::memory_order_relaxed) + chunk_size <=
           (bytes < budgeted.budget ? bytes : budgeted.budget);
}

void link_chunk(chunk *&list, chunk *c) noexcept {
    c->previous = nullptr;
    c->next = list;
    if (list != nullptr) list->previous = c;
    list = c;
}

void unlink_chunk(chunk *&list, chunk *c) noexcept {
    (c->previous != nullptr ? c->previous->next : list) = c->next;
    if (c->next != nullptr) c->next->previous = c->previous;
}

chunk *&list_of(thread_heap *heap, const chunk *c) noexcept {
    const bool large = c->use == chunk_use::large;
    if (c->region != 0) {
        for (std::uint32_t i = heap->regions.depth; i-- > 0;) {
            region &home = heap->regions.open[i];
            if (home.serial == c->region) return large ? home.large : home.chunks;
        }
    }
    return large ? heap->large : heap->retired;
}

void set_top(thread_heap *heap, chunk *current, std::uintptr_t top, std::uintptr_t limit) noexcept {
    heap->current = current;
    move_top(heap->hot, top);
    heap->hot.limit = limit;
    heap->hot.brief_limit = 0;
}

namespace {

// What other threads wrote before they freed a block is in memory, if it is seen to be free. Long
// regions come here again and again: few instructions a block.
void settle_brief(chunk *c, std::uintptr_t top) noexcept {
    std::uintptr_t at = c->begin();
    std::size_t live = 0;
    while (at < top) {
        const auto &each = *reinterpret_cast<const block *>(at);
        // brief_size() in the width that it is added in: a conversion is an instruction a block.
        const std::size_t size = each.brief_word & ~std::size_t{15};
        if (size == 0) [[unlikely]]
            break;
        block_state state; // clang's __atomic_load_n takes no enum
        __atomic_load(&each.state, &state, __ATOMIC_ACQUIRE);
        if (state != block_state::freed) live += size;
        at += size;
    }
    if (at != top) refuse_to_go_on(reinterpret_cast<block *>(at)->payload());
    c->live = static_cast<std::uint32_t>(live);
    c->used = static_cast<std::uint32_t>(top - c->begin());
}

} // namespace

void settle(chunk *c, std::uintptr_t top) noexcept {
    if (c->brief) return settle_brief(c, top);
    c->live = 0;
    for_each_block(c, top, [c](const block &b) {
        if (lives(b)) c->live += b.size;
    });
    c->used = static_cast<std::uint32_t>(top - c->begin());
    if (c->unnoted != nullptr && !is_noted(*c->unnoted)) c->live += c->unnoted->size;
}

void pin(thread_heap *heap, const chunk *c) noexcept {
    heap->pinned += c->used - c->live;
    publish_pinned(heap);
}

void unpin(thread_heap *heap, const chunk *c) noexcept { heap->pinned -= c->used - c->live; }

void settle_as_counted(thread_heap *heap, chunk *c) noexcept {
    if (!c->trusted) return;
    discharge(heap, true);
    c->trusted = false;
    const std::size_t held =
        budgeted.held.fetch_add(chunk_size, std::memory_order_relaxed) + chunk_size;
    show(counters().chunk_bytes, counters().chunk_bytes_peak, held);
    std::atomic<std::uint64_t> &most_over = counters().over_budget_peak;
    if (held > budgeted.budget &&
        most_over.load(std::memory_order_relaxed) < held - budgeted.budget)
        most_over.store(held - budgeted.budget, std::memory_order_relaxed);
}

void give_back(thread_heap *heap, chunk *c) noexcept {
    discharge(heap, c->trusted);
    if (heap->spare == nullptr) {
        blank(c);
        make_spare(heap, c);
    } else {
        c->use = chunk_use::unused;
        c->owner = nullptr;
        give_back_chunks(c, 1);
    }
}

namespace {

// The same for a chunk that was open until now. A freed block of which the header above it does not
// know may belong to a release that a handler, and we in it, interrupted between its last two
// instructions: it will write there yet. So the chunk is kept from being used again until that is
// seen to have happened, or its region was left by the program itself.
void settle_first(chunk *c, std::uintptr_t top) noexcept {
    // Nothing stands at the top; what was there once says nothing.
    reinterpret_cast<block *>(top)->hole_below = 0;
    c->live = 0;
    for_each_block(c, top, [c](block &b) {
        if (lives(b)) {
            c->live += b.size;
        } else if (!is_noted(b)) {
            c->live += b.size;
            c->unnoted = &b;
        }
    });
    c->used = static_cast<std::uint32_t>(top - c->begin());
}

// Nobody is told when the last block of a chunk of brief ones is freed. So in a region that takes
// much its chunks are looked through again, whenever as many wait as lived on at the last time: a
// block is looked at twice or thrice, and they hold at most twice what lives, and a little.
constexpr std::uint32_t least_to_sweep = 8;

// Null if others have freed it meanwhile.
const block *first_live(const chunk &c) noexcept {
    return walk_blocks(c, c.begin() + c.used, lives).found;
}

// Whether any was given back.
bool sweep(thread_heap *heap, chunk *&list) noexcept {
    forget_sweep(heap);
    bool any = false;
    const chunk *emptiest = nullptr;
    for (chunk *c = list; c != nullptr;) {
        chunk *next = c->next;
        if (c->brief) {
            if (!c->trusted) unpin(heap, c);
            settle(c, c->begin() + c->used);
            if (!c->trusted) pin(heap, c);
            if (c->live == 0) {
                give_back_dead(heap, c);
                any = true;
            } else {
                ++heap->lived_at_sweep;
                if (emptiest == nullptr || c->live < emptiest->live) emptiest = c;
            }
        }
        c = next;
    }
    heap->lives_since_sweep = emptiest != nullptr ? first_live(*emptiest) : nullptr;
    return any;
}

// Where no chunk is to be had: but not each time, if it is of no use. As long as a block lives that
// was among the fewest of a chunk, few will have died.
bool regain(thread_heap *heap, chunk *&list) noexcept {
    constexpr std::uint32_t refusals_per_sweep = 256;
    const bool lives_on = heap->lives_since_sweep != nullptr && lives(*heap->lives_since_sweep);
    if (lives_on && ++heap->refused_since_sweep < refusals_per_sweep) return false;
    return sweep(heap, list);
}

void wait_for_sweep(thread_heap *heap, chunk *&list, chunk *c) noexcept {
    const bool is_much = held_trusted.load(std::memory_order_relaxed) > unsettled_trusted;
    if (c->trusted && !is_much) return;
    if (++heap->waiting_for_sweep > heap->lived_at_sweep + least_to_sweep) sweep(heap, list);
}

bool try_open_chunk(thread_heap *heap) noexcept {
    const region *around = innermost(heap);
    const bool trusted = around != nullptr && around->trusted;
    if (!charge(heap, trusted)) {
        set_top(heap, nullptr, 0, 0);
        return false;
    }
    chunk *opened = heap->spare;
    heap->spare = nullptr;
    if (opened == nullptr) {
        bool fresh;
        opened = take_chunks(1, &fresh);
        if (opened == nullptr) {
            discharge(heap, trusted);
            set_top(heap, nullptr, 0, 0);
            return false;
        }
        blank(opened);
    }
    const bool for_plain_calls = around != nullptr
                                     ? around->kind != region_kind::paused
                                     : plain_calls_outside.load(std::memory_order_relaxed);
    make_current(heap, opened, around != nullptr ? around->serial : 0, trusted, for_plain_calls);
    return true;
}

} // namespace

bool open_chunk(thread_heap *heap) noexcept {
    if (try_open_chunk(heap)) return true;
    region *around = innermost(heap);
    return is_within_trusted(heap) && regain(heap, around->chunks) && try_open_chunk(heap);
}

void let_outlive(chunk *c) noexcept {
    for_each_block(c, c->begin() + c->used, [](block &b) {
        auto *state = reinterpret_cast<std::uint32_t *>(&b.state);
        auto brief = static_cast<std::uint32_t>(block_state::brief);
        __atomic_compare_exchange_n(state, &brief,
                                    static_cast<std::uint32_t>(block_state::outlived), false,
                                    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE);
    });
}

void retire(thread_heap *heap, chunk *c, std::uintptr_t top) noexcept {
    c->use = chunk_use::retired;
    c->settled = !c->brief;
    if (!c->settled) {
        // A trusted region's end reclaims it whatever lives; only if that is not the exact end it
        // is settled.
        c->live = c->used = static_cast<std::uint32_t>(top - c->begin());
    } else {
        settle_first(c, top);
    }
    if (c->live == 0) {
        give_back(heap, c);
        return;
    }
    if (!c->trusted) pin(heap, c);
    if (c->region == 0) ++heap->retired_count;
    chunk *&list = list_of(heap, c);
    link_chunk(list, c);
    if (c->brief) wait_for_sweep(heap, list, c);
}

void retire_current(thread_heap *heap) noexcept {
    chunk *c = heap->current;
    if (c == nullptr) return;
    const std::uintptr_t top = heap->hot.top;
    set_top(heap, nullptr, 0, 0);
    retire(heap, c, top);
}

void give_back_dead(thread_heap *heap, chunk *dead) noexcept {
    if (dead->region == 0 && !dead->examined) --heap->retired_count;
    unlink_chunk(list_of(heap, dead), dead);
    if (!dead->trusted) unpin(heap, dead);
    give_back(heap, dead);
}

void give_up_reserves(thread_heap *heap) noexcept {
    if (chunk *spare = std::exchange(heap->spare, nullptr)) give_back_chunks(spare, 1);
    for (const bool trusted : {false, true})
        if (std::exchange(heap->charged_ahead[trusted], false))
            (trusted ? held_trusted : budgeted.held)
                .fetch_sub(chunk_size, std::memory_order_relaxed);
}

void publish_holdings(std::size_t ahead_in_budget, std::size_t ahead_trusted) noexcept {
    process_counters &totals = counters();
    show(totals.chunk_bytes, totals.chunk_bytes_peak,
         budgeted.held.load(std::memory_order_relaxed) - ahead_in_budget);
    show(totals.trusted_bytes, totals.trusted_bytes_peak,
         held_trusted.load(std::memory_order_relaxed) - ahead_trusted);
}

} // namespace scratch::shim
