#include "shim/heap/large.hpp"

#include "shim/heap/chunks.hpp"
#include "shim/observe/counters.hpp"

namespace scratch::shim {

namespace {

constinit std::atomic<std::size_t> held{0};

void show_held(std::size_t now) noexcept {
    process_counters &totals = counters();
    totals.large_bytes.store(now, std::memory_order_relaxed);
    if (totals.large_bytes_peak.load(std::memory_order_relaxed) < now)
        totals.large_bytes_peak.store(now, std::memory_order_relaxed);
}

std::size_t span_end(const chunk *first) noexcept {
    return reinterpret_cast<std::uintptr_t>(first) + std::size_t{first->span} * chunk_size;
}

} // namespace

void *push_large(thread_heap *heap, std::size_t size, std::size_t alignment,
                 std::uint32_t site) noexcept {
    constexpr std::size_t headers = sizeof(chunk) + sizeof(block);
    if (size > PTRDIFF_MAX - headers - alignment - chunk_size) return nullptr;
    const std::size_t count = (headers + alignment + size + chunk_size - 1) / chunk_size;
    if (count > UINT32_MAX) return nullptr;
    bool fresh;
    chunk *first = take_chunks(static_cast<std::uint32_t>(count), &fresh);
    if (first == nullptr) return nullptr;
    show_held(held.fetch_add(count * chunk_size, std::memory_order_relaxed) + count * chunk_size);

    const std::uintptr_t payload = (first->begin() + sizeof(block) + alignment - 1) &
                                   ~(static_cast<std::uintptr_t>(alignment) - 1);
    first->owner = heap;
    first->use = chunk_use::large;
    first->span = static_cast<std::uint32_t>(count);
    first->zeroed = fresh;
    first->trusted =
        heap->regions.depth != 0 && heap->regions.open[heap->regions.depth - 1].trusted;
    first->region =
        heap->regions.depth != 0 ? heap->regions.open[heap->regions.depth - 1].serial : 0;
    first->large_size = (size + 15) & ~std::size_t{15};
    link_chunk(heap->large, first);
    ++heap->hot.counted.scratch_calls;
    heap->hot.counted.scratch_bytes += size;
    block *pushed = reinterpret_cast<block *>(payload) - 1;
    *pushed = {0, site, block_state::large, 0};
    return pushed->payload();
}

void drop_large(thread_heap *heap, chunk *first) noexcept {
    unlink_chunk(heap->large, first);
    const std::size_t size = std::size_t{first->span} * chunk_size;
    show_held(held.fetch_sub(size, std::memory_order_relaxed) - size);
    first->use = chunk_use::unused;
    first->owner = nullptr;
    give_back_chunks(first, first->span);
}

void release_large(thread_heap *heap, block *freed) noexcept {
    freed->state = block_state::freed;
    drop_large(heap, chunk_of(freed));
}

bool resize_large(block *resized, std::size_t size) noexcept {
    chunk *first = chunk_of(resized);
    const auto payload = reinterpret_cast<std::uintptr_t>(resized->payload());
    if (size > span_end(first) - payload || size < first->large_size / 2) return false;
    first->large_size = (size + 15) & ~std::size_t{15};
    return true;
}

} // namespace scratch::shim
