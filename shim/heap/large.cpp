#include "shim/heap/large.hpp"

#include "core/pages.hpp"
#include "shim/heap/chunks.hpp"
#include "shim/observe/counters.hpp"

namespace scratch::shim {

namespace {

constinit std::atomic<std::size_t> held{0};

// Pages of blocks that other threads freed may wait so long for their owners, who reuse them best,
// and may be idle for ever.
constexpr std::size_t most_waiting = std::size_t{1} << 20;
constinit std::atomic<std::size_t> bytes_waiting{0};

// What became of a remotely freed block's pages, in the header's word that large blocks do not
// need.
enum class remote_pages : std::uint32_t { with_owner, waiting, gone };

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
    first->large_size = padded_size(size) - sizeof(block);
    link_chunk(list_of(heap, first), first);
    ++heap->hot.counted.scratch_calls;
    heap->hot.counted.scratch_bytes += size;
    block *pushed = reinterpret_cast<block *>(payload) - 1;
    *pushed = {0, site, block_state::large, {0}};
    return pushed->payload();
}

void free_pages_remotely(block *freed) noexcept {
    const chunk *first = chunk_of(freed);
    const std::size_t size = std::size_t{first->span} * chunk_size;
    const std::size_t page = pages::page_size();
    const std::uintptr_t begin =
        (reinterpret_cast<std::uintptr_t>(freed->payload()) + page - 1) & ~(page - 1);
    auto became = remote_pages::waiting;
    if (bytes_waiting.fetch_add(size, std::memory_order_relaxed) + size > most_waiting &&
        pages::decommit(reinterpret_cast<void *>(begin), span_end(first) - begin)) {
        bytes_waiting.fetch_sub(size, std::memory_order_relaxed);
        show_held(held.fetch_sub(size, std::memory_order_relaxed) - size);
        became = remote_pages::gone;
    }
    freed->hole_below = static_cast<std::uint32_t>(became);
}

void drop_large(thread_heap *heap, chunk *first) noexcept {
    unlink_chunk(list_of(heap, first), first);
    const std::size_t size = std::size_t{first->span} * chunk_size;
    show_held(held.fetch_sub(size, std::memory_order_relaxed) - size);
    first->use = chunk_use::unused;
    first->owner = nullptr;
    give_back_chunks(first, first->span);
}

void release_large(thread_heap *heap, block *freed) noexcept {
    chunk *first = chunk_of(freed);
    const std::size_t size = std::size_t{first->span} * chunk_size;
    const auto became = static_cast<remote_pages>(freed->hole_below);
    if (became == remote_pages::waiting) bytes_waiting.fetch_sub(size, std::memory_order_relaxed);
    if (became == remote_pages::gone) held.fetch_add(size, std::memory_order_relaxed);
    freed->state = block_state::freed;
    drop_large(heap, first);
}

bool resize_large(block *resized, std::size_t size) noexcept {
    chunk *first = chunk_of(resized);
    const auto payload = reinterpret_cast<std::uintptr_t>(resized->payload());
    if (size > span_end(first) - payload || size < first->large_size / 2) return false;
    first->large_size = padded_size(size) - sizeof(block);
    return true;
}

} // namespace scratch::shim
