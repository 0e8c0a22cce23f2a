#include "shim/heap/statistics.hpp"

#include "shim/heap/chunks.hpp"
#include "shim/heap/threads.hpp"
#include "shim/hook/counts.hpp"
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
    publish_hook_counts(heap);
    process_counters &totals = counters();
    call_counts &known = heap->published;
    publish_regions(heap);
    add_difference(totals.scratch_calls, known.scratch_calls, heap->hot.counted.scratch_calls);
    add_difference(totals.scratch_bytes, known.scratch_bytes, heap->hot.counted.scratch_bytes);
    add_difference(totals.next_calls, known.next_calls, heap->hot.counted.next_calls);
    add_difference(totals.next_bytes, known.next_bytes, heap->hot.counted.next_bytes);
}

void publish_regions(thread_heap *heap) noexcept {
    add_difference(counters().regions_entered, heap->published.regions_entered,
                   heap->hot.counted.regions_entered);
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
    std::size_t ahead[2] = {};
    for (std::uint32_t slot = 0; slot < heaps_ever_started(); ++slot) {
        thread_heap *heap = heap_at(slot);
        publish(heap);
        for (const bool trusted : {false, true})
            if (heap->charged_ahead[trusted]) ahead[trusted] += chunk_size;
    }
    publish_holdings(ahead[false], ahead[true]);
}

void forget_published_counts() noexcept {
    for (std::uint32_t slot = 0; slot < heaps_ever_started(); ++slot) {
        thread_heap *heap = heap_at(slot);
        heap->published = heap->hot.counted;
        heap->published_pinned = 0;
        publish_hook_counts(heap);
    }
    forget_hook_counts();
}

} // namespace scratch::shim
