#include "shim/heap/reservation.hpp"

#include <algorithm>
#include <sys/mman.h>

#include "core/kept_errno.hpp"
#include "core/pages.hpp"
#include "shim/observe/counters.hpp"

namespace scratch::shim {

constinit reservation_words reservation;

namespace {

constexpr std::size_t largest_reservation = std::size_t{64} << 30;
constexpr std::size_t smallest_reservation = std::size_t{1} << 30;
// Under a limit on addresses a sixteenth is taken, and below this it is not worth having.
constexpr std::size_t smallest_under_limit = std::size_t{16} << 20;
// Pages that wait for their next use, in the pool and in runs of chunks: as much as the default
// budget.
constexpr std::uint32_t kept_chunks = (8u << 20) / chunk_size;
// The pool keeps more where what it gave to the system was needed again, up to this. Every so many
// chunks given back it is asked how many of those kept nobody needed meanwhile.
constexpr std::uint32_t most_kept = (64u << 20) / chunk_size;
constexpr std::uint32_t chunks_per_review = 4096;
// Runs of chunks that wait for a large block; what finds no place is taken apart for good.
constexpr std::size_t waiting_spans = 256;

constexpr std::size_t narrow_reservation = std::size_t{64} << 20;
constinit std::atomic<bool> narrow{false};

// What was reserved. The pool's table lies behind it: an entry per chunk, the next chunk of its
// list plus one.
struct reserved_range {
    std::uintptr_t base;
    std::size_t size;
    std::size_t most; // what the table has entries for
    std::atomic<std::uint32_t> chunk_count;

    static std::size_t size_with_table(std::size_t most) noexcept {
        return sizeof(reserved_range) + most / chunk_size * sizeof(std::atomic<std::uint32_t>);
    }
    std::atomic<std::uint32_t> &link(std::uint32_t place) noexcept {
        return reinterpret_cast<std::atomic<std::uint32_t> *>(this + 1)[place - 1];
    }
};
constinit reserved_range none{};
// Null until one was tried for, `none` where there was no room. Of threads that come at once each
// reserves one, and that of the first stays: none waits for another, which a signal handler may
// have cut off, and none is left out meanwhile.
constinit std::atomic<reserved_range *> range{nullptr};

// A list without locks. Index plus one in the low half, a count against reuse between load and
// exchange in the high half.
using chunk_list = std::atomic<std::uint64_t>;
// Those that still have their pages are taken first.
constinit chunk_list with_pages{0};
constinit chunk_list without_pages{0};
// While those that wait with pages are looked through, the ones that stay: not in a variable of the
// function, which a fork or a handler's longjmp may leave half done.
constinit chunk_list being_kept{0};
constinit std::atomic<std::uint32_t> pool_resident{0};
constinit std::atomic<std::uint32_t> kept_in_pool{kept_chunks};
constinit std::atomic<std::uint32_t> least_resident{0}; // since the last review
constinit std::atomic<std::uint32_t> given_back{0};
constinit std::atomic<std::uint32_t> next_index{0};
// Index plus one in the low half, chunks in the high half, whether their pages are still there in
// the topmost bit; 0 is an empty place.
constinit std::atomic<std::uint64_t> spans[waiting_spans]{};
constinit std::atomic<std::uint32_t> span_resident{0};

std::uint32_t index_of(const chunk *c) noexcept {
    return static_cast<std::uint32_t>((reinterpret_cast<std::uintptr_t>(c) - reservation.base) /
                                      chunk_size);
}

chunk *chunk_at(std::uint32_t index) noexcept {
    return reinterpret_cast<chunk *>(reservation.base + std::size_t{index} * chunk_size);
}

// Null where there is no room.
reserved_range *reserve() noexcept {
    std::size_t size = largest_reservation;
    std::size_t smallest = smallest_reservation;
    if (const std::size_t limit = pages::address_space_limit(); limit != SIZE_MAX) {
        smallest = smallest_under_limit;
        size = std::min(size, limit / 16 / chunk_size * chunk_size);
        if (size < smallest) return nullptr;
    }
    void *base = nullptr;
    while (size >= smallest && (base = pages::reserve(size, chunk_size)) == nullptr)
        size /= 2;
    if (base == nullptr) return nullptr;

    void *words = mmap(nullptr, reserved_range::size_with_table(size), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (words == MAP_FAILED) {
        pages::release(base, size);
        return nullptr;
    }
    auto *made = static_cast<reserved_range *>(words);
    made->base = reinterpret_cast<std::uintptr_t>(base);
    made->size = made->most = size;
    if (narrow.load(std::memory_order_relaxed) && size > narrow_reservation) {
        made->size = narrow_reservation;
        pages::release(static_cast<char *>(base) + made->size, size - made->size);
    }
    made->chunk_count.store(static_cast<std::uint32_t>(made->size / chunk_size),
                            std::memory_order_relaxed);
    return made;
}

void drop(reserved_range *made) noexcept {
    pages::release(reinterpret_cast<void *>(made->base), made->size);
    munmap(made, reserved_range::size_with_table(made->most));
}

reserved_range *try_to_reserve() noexcept {
    const kept_errno keep_errno;
    reserved_range *made = reserve();
    reserved_range *const mine = made != nullptr ? made : &none;
    reserved_range *kept = nullptr;
    if (range.compare_exchange_strong(kept, mine, std::memory_order_acq_rel)) {
        kept = mine;
        if (made == nullptr)
            counters().stood_aside.store(static_cast<std::uint32_t>(stand_aside_reason::no_memory),
                                         std::memory_order_relaxed);
    } else if (made != nullptr) {
        drop(made);
    }
    return kept;
}

void widen(reserved_range *open) noexcept {
    void *end = reinterpret_cast<void *>(open->base + open->size);
    std::size_t more = open->most - open->size;
    while (more >= narrow_reservation && !pages::reserve_at(end, more))
        more = more / 2 / chunk_size * chunk_size;
    if (more < narrow_reservation) return;
    open->size += more;
    open->chunk_count.store(static_cast<std::uint32_t>(open->size / chunk_size),
                            std::memory_order_relaxed);
}

void raise_frontier(std::size_t end) noexcept {
    // Not by std::atomic_ref, which libc++ has since version 19 only.
    std::size_t seen = __atomic_load_n(&reservation.frontier, __ATOMIC_RELAXED);
    while (seen < end && !__atomic_compare_exchange_n(&reservation.frontier, &seen, end, true,
                                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
}

chunk *take_fresh(std::uint32_t count) noexcept {
    const reserved_range *open = range.load(std::memory_order_acquire);
    std::uint32_t index = next_index.load(std::memory_order_relaxed);
    do {
        if (count > open->chunk_count.load(std::memory_order_relaxed) - index) return nullptr;
    } while (!next_index.compare_exchange_weak(index, index + count, std::memory_order_relaxed));
    if (!pages::commit(chunk_at(index), std::size_t{count} * chunk_size)) {
        // What another thread took meanwhile stands above, so the addresses may be lost; the
        // memory was never there.
        std::uint32_t end = index + count;
        next_index.compare_exchange_strong(end, index, std::memory_order_relaxed);
        return nullptr;
    }
    raise_frontier((std::size_t{index} + count) * chunk_size);
    return chunk_at(index);
}

chunk *pop(chunk_list &list) noexcept {
    reserved_range *open = range.load(std::memory_order_acquire);
    std::uint64_t head = list.load(std::memory_order_acquire);
    for (;;) {
        const auto place = static_cast<std::uint32_t>(head);
        if (place == 0) return nullptr;
        const std::uint32_t below = open->link(place).load(std::memory_order_relaxed);
        const std::uint64_t desired = ((head >> 32) + 1) << 32 | below;
        if (list.compare_exchange_weak(head, desired, std::memory_order_acquire))
            return chunk_at(place - 1);
    }
}

void push(chunk_list &list, const chunk *c) noexcept {
    reserved_range *open = range.load(std::memory_order_acquire);
    const std::uint32_t place = index_of(c) + 1;
    std::uint64_t head = list.load(std::memory_order_relaxed);
    std::uint64_t desired;
    do {
        open->link(place).store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
        desired = ((head >> 32) + 1) << 32 | place;
    } while (!list.compare_exchange_weak(head, desired, std::memory_order_release,
                                         std::memory_order_relaxed));
}

void lower(std::atomic<std::uint32_t> &least, std::uint32_t to) noexcept {
    std::uint32_t seen = least.load(std::memory_order_relaxed);
    while (to < seen && !least.compare_exchange_weak(seen, to, std::memory_order_relaxed)) {
    }
}

chunk *take_from_pool(bool *fresh) noexcept {
    chunk *resident = pop(with_pages);
    if (resident == nullptr) resident = pop(being_kept);
    if (resident != nullptr) {
        lower(least_resident, pool_resident.fetch_sub(1, std::memory_order_relaxed) - 1);
        return resident;
    }
    chunk *taken = pop(without_pages);
    if (taken == nullptr) return nullptr;
    *fresh = true;
    lower(least_resident, 0);
    // Its pages went to the system too early.
    if (kept_in_pool.load(std::memory_order_relaxed) < most_kept)
        kept_in_pool.fetch_add(1, std::memory_order_relaxed);
    return taken;
}

// Gives the pages of the chunks that were used longest ago to the system, but for `most`. Where two
// threads do so at once, more may go.
void trim_pool(std::uint32_t most) noexcept {
    std::uint32_t seen = 0;
    while (chunk *c = pop(with_pages)) {
        if (seen++ < most || !pages::decommit(c, chunk_size)) {
            push(being_kept, c);
        } else {
            pool_resident.fetch_sub(1, std::memory_order_relaxed);
            push(without_pages, c);
        }
    }
    while (chunk *c = pop(being_kept))
        push(with_pages, c);
}

// Half of what nobody needed since the last review goes back: a program that needs it now and then
// does not lose all of it.
void review_pool() noexcept {
    const std::uint32_t unneeded = least_resident.exchange(
        pool_resident.load(std::memory_order_relaxed), std::memory_order_relaxed);
    const std::uint32_t kept = kept_in_pool.load(std::memory_order_relaxed);
    if (kept <= kept_chunks || unneeded == 0) return;
    const std::uint32_t fewer = std::max(kept_chunks, kept - std::min(kept, (unneeded + 1) / 2));
    kept_in_pool.store(fewer, std::memory_order_relaxed);
    if (pool_resident.load(std::memory_order_relaxed) > fewer) trim_pool(fewer);
}

void put_in_pool(chunk *c, bool has_pages) noexcept {
    if (has_pages && pool_resident.fetch_add(1, std::memory_order_relaxed) >=
                         kept_in_pool.load(std::memory_order_relaxed)) {
        // Locked pages stay, and what is in them.
        if (pages::decommit(c, chunk_size)) {
            pool_resident.fetch_sub(1, std::memory_order_relaxed);
            has_pages = false;
        }
    }
    push(has_pages ? with_pages : without_pages, c);
    if (given_back.fetch_add(1, std::memory_order_relaxed) % chunks_per_review == 0) review_pool();
}

void give_back_run(chunk *first, std::uint32_t count, bool has_pages) noexcept;

constexpr std::uint64_t span_has_pages = std::uint64_t{1} << 63;

std::uint32_t length_of(std::uint64_t span) noexcept {
    return static_cast<std::uint32_t>((span & ~span_has_pages) >> 32);
}

// The smallest waiting run of `count` to `most` chunks; what is too much of it is given back.
chunk *take_waiting_span(std::uint32_t count, std::uint64_t most, bool *fresh) noexcept {
    for (;;) {
        std::atomic<std::uint64_t> *best = nullptr;
        std::uint64_t best_word = 0;
        for (auto &place : spans) {
            const std::uint64_t word = place.load(std::memory_order_relaxed);
            const std::uint32_t length = length_of(word);
            if (word == 0 || length < count || length > most) continue;
            if (best == nullptr || length < length_of(best_word)) {
                best = &place;
                best_word = word;
            }
        }
        if (best == nullptr) return nullptr;
        if (!best->compare_exchange_strong(best_word, 0, std::memory_order_acquire)) continue;
        const std::uint32_t length = length_of(best_word);
        *fresh = (best_word & span_has_pages) == 0;
        if (!*fresh) span_resident.fetch_sub(length, std::memory_order_relaxed);
        chunk *first = chunk_at(static_cast<std::uint32_t>(best_word) - 1);
        if (length > count)
            give_back_run(chunk_at(index_of(first) + count), length - count, !*fresh);
        return first;
    }
}

bool let_span_wait(chunk *first, std::uint32_t count, bool has_pages) noexcept {
    const std::uint64_t word = std::uint64_t{count} << 32 | (index_of(first) + 1);
    for (auto &place : spans) {
        std::uint64_t empty = 0;
        if (place.compare_exchange_strong(empty, has_pages ? word | span_has_pages : word,
                                          std::memory_order_release))
            return true;
    }
    return false;
}

// The addresses of a run stay together where they can; its pages go where too many wait.
void give_back_run(chunk *first, std::uint32_t count, bool has_pages) noexcept {
    if (count == 1) return put_in_pool(first, has_pages);
    if (has_pages &&
        span_resident.fetch_add(count, std::memory_order_relaxed) + count > kept_chunks) {
        span_resident.fetch_sub(count, std::memory_order_relaxed);
        has_pages = !pages::decommit(first, std::size_t{count} * chunk_size);
        if (has_pages) span_resident.fetch_add(count, std::memory_order_relaxed);
    }
    if (let_span_wait(first, count, has_pages)) return;
    if (has_pages) {
        span_resident.fetch_sub(count, std::memory_order_relaxed);
        has_pages = !pages::decommit(first, std::size_t{count} * chunk_size);
    }
    for (std::uint32_t i = 0; i < count; ++i)
        put_in_pool(chunk_at(index_of(first) + i), has_pages);
}

} // namespace

void reserve_narrowly(bool now) noexcept {
    if (!narrow.exchange(now, std::memory_order_relaxed) || now) return;
    const kept_errno keep_errno;
    reserved_range *open = range.load(std::memory_order_acquire);
    if (open != nullptr && open->size < open->most) widen(open);
}

bool open_reservation() noexcept {
    reserved_range *open = range.load(std::memory_order_acquire);
    if (open == nullptr) open = try_to_reserve();
    if (open == &none) return false;
    // Whoever reserved it may not have come so far yet: all write the same.
    __atomic_store_n(&reservation.base, open->base, __ATOMIC_RELAXED);
    return true;
}

chunk *take_chunks(std::uint32_t count, bool *fresh) noexcept {
    const kept_errno keep_errno;
    *fresh = false;
    chunk *taken = count == 1 ? take_from_pool(fresh)
                              : take_waiting_span(count, 2 * std::uint64_t{count}, fresh);
    if (taken == nullptr && (taken = take_fresh(count)) != nullptr) *fresh = true;
    // No more memory or addresses: then a part of any run.
    if (taken == nullptr) taken = take_waiting_span(count, UINT32_MAX, fresh);
    return taken;
}

void give_back_chunks(chunk *first, std::uint32_t count) noexcept {
    const kept_errno keep_errno;
    give_back_run(first, count, true);
}

} // namespace scratch::shim
