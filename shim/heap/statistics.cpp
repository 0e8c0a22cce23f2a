#include "shim/heap/statistics.hpp"

#include "shim/heap/chunks.hpp"
#include "shim/heap/threads.hpp"
#include "shim/observe/counters.hpp"

namespace scratch::shim {

namespace {

void add_difference(std::atomic<std::uint64_t> &total, std::uint64_t &published,
                    std::uint64_t now) noexcept {
    total.fetch_add(now - published, std::memory_order_relaxed);
    published = now;
}

std::uint64_t pinned_now() noexcept {
    std::uint64_t pinned = 0;
    const std::size_t count = reservation.frontier / chunk_size;
    for (std::size_t i = 0; i < count; ++i) {
        const auto *c = reinterpret_cast<const chunk *>(reservation.base + i * chunk_size);
        if (c->use == chunk_use::retired) pinned += c->used - c->live;
    }
    return pinned;
}

} // namespace

void publish(thread_heap *heap) noexcept {
    process_counters &totals = counters();
    call_counts &known = heap->published;
    add_difference(totals.scratch_calls, known.scratch_calls, heap->hot.counted.scratch_calls);
    add_difference(totals.scratch_bytes, known.scratch_bytes, heap->hot.counted.scratch_bytes);
    add_difference(totals.next_calls, known.next_calls, heap->hot.counted.next_calls);
    add_difference(totals.next_bytes, known.next_bytes, heap->hot.counted.next_bytes);
}

void publish_all_heaps() noexcept {
    for (std::uint32_t slot = 0; slot < heaps_ever_started(); ++slot)
        publish(heap_at(slot));
    publish_holdings();
    const std::uint64_t pinned = pinned_now();
    counters().pinned_bytes.store(pinned, std::memory_order_relaxed);
    if (counters().pinned_bytes_peak.load(std::memory_order_relaxed) < pinned)
        counters().pinned_bytes_peak.store(pinned, std::memory_order_relaxed);
}

void forget_published_counts() noexcept {
    for (std::uint32_t slot = 0; slot < heaps_ever_started(); ++slot) {
        thread_heap *heap = heap_at(slot);
        heap->published = heap->hot.counted;
    }
}

} // namespace scratch::shim
