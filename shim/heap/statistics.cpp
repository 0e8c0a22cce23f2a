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

} // namespace

void publish(thread_heap *heap) noexcept {
    publish_pinned(heap);
    process_counters &totals = counters();
    call_counts &known = heap->published;
    add_difference(totals.scratch_calls, known.scratch_calls, heap->hot.counted.scratch_calls);
    add_difference(totals.scratch_bytes, known.scratch_bytes, heap->hot.counted.scratch_bytes);
    add_difference(totals.next_calls, known.next_calls, heap->hot.counted.next_calls);
    add_difference(totals.next_bytes, known.next_bytes, heap->hot.counted.next_bytes);
}

void publish_pinned(thread_heap *heap) noexcept {
    process_counters &totals = counters();
    const std::size_t difference = heap->pinned - heap->published_pinned;
    heap->published_pinned = heap->pinned;
    const std::uint64_t now =
        totals.pinned_bytes.fetch_add(difference, std::memory_order_relaxed) + difference;
    if (totals.pinned_bytes_peak.load(std::memory_order_relaxed) < now)
        totals.pinned_bytes_peak.store(now, std::memory_order_relaxed);
}

void publish_all_heaps() noexcept {
    for (std::uint32_t slot = 0; slot < heaps_ever_started(); ++slot)
        publish(heap_at(slot));
    publish_holdings();
}

void forget_published_counts() noexcept {
    for (std::uint32_t slot = 0; slot < heaps_ever_started(); ++slot) {
        thread_heap *heap = heap_at(slot);
        heap->published = heap->hot.counted;
        heap->published_pinned = 0;
    }
}

} // namespace scratch::shim
