#include "shim/check/places.hpp"

#include <algorithm>
#include <sys/mman.h>

#include "shim/heap/chunk.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/region/steps.hpp"

namespace scratch::shim::check {

namespace {

constinit places *all_places = nullptr;

constexpr std::uintptr_t up(std::uintptr_t address, std::size_t alignment) noexcept {
    return (address + alignment - 1) & ~(alignment - 1);
}

// Nothing more comes onto the pages.
void release_hold(page_number first, page_number end) noexcept {
    for (page_number page = first; page < end; ++page) {
        if (arena.pages[page].live.fetch_sub(1, std::memory_order_acq_rel) != 1) continue;
        page_number last = page + 1;
        while (last < end && arena.pages[last].live.load(std::memory_order_acquire) == 1) {
            arena.pages[last].live.store(0, std::memory_order_relaxed);
            ++last;
        }
        close_pages(page, last - page);
        page = last - 1;
    }
}

void raise_top(places &at, std::uintptr_t to) noexcept {
    const page_number from = page_of(at.top);
    at.top = to;
    release_hold(from, page_of(to));
}

void leave_window(places &at) noexcept {
    finish_segment(at);
    if (at.top < at.end) release_hold(page_of(at.top), page_of(at.end));
    at.top = at.end = 0;
    at.segment = 0;
}

bool open_window(places &at) noexcept {
    leave_window(at);
    const auto count = static_cast<page_number>(std::max(chunk_size, page_bytes()) / page_bytes());
    const page_number first = take_pages(count, 0);
    if (first == 0) return false;
    for (page_number page = first; page < first + count; ++page)
        arena.pages[page].live.store(1, std::memory_order_relaxed);
    at.top = address_of(first);
    at.end = address_of(first + count);
    return true;
}

void begin_segment(places &at, std::uint32_t scope) noexcept {
    finish_segment(at);
    at.scope = scope;
    if (scope == 0) return;
    at.segment = page_of(at.top);
    // Pages that the scope does not reach are taken out again when the segment ends.
    hold_for_scope(at.segment, page_of(at.end) - at.segment, true);
}

record *note_block(std::uintptr_t payload, const request &wanted, bool own_pages) noexcept {
    record &made = record_near(payload);
    made.size = wanted.size;
    made.allocated = made.freed = 0;
    made.sum = 0;
    made.made_by = wanted.by;
    made.second_half = payload % granule != 0;
    made.own_pages = own_pages;
    write_canary(made);
    return &made;
}

} // namespace

bool open_places() noexcept {
    void *mapped = mmap(nullptr, most_heaps * sizeof(places), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return false;
    all_places = static_cast<places *>(mapped);
    return true;
}

places &own_places(const thread_heap *heap) noexcept { return all_places[heap->slot]; }

std::uint32_t innermost_scope(const thread_heap *heap, std::uintptr_t stack_pointer) noexcept {
    std::uint32_t depth = heap->regions.depth;
    for (; depth != 0; --depth) {
        const region &open = heap->regions.open[depth - 1];
        if (open.trusted &&
            stack_pointer - this_thread.stack_begin <= stack_size_of(heap, depth - 1))
            break;
        // What is allocated meanwhile is nobody's.
        if (open.kind == region_kind::paused) return 0;
    }
    return depth;
}

void link_run(places &at, std::uint32_t scope, page_number first) noexcept {
    arena.pages[first].link = at.runs[scope];
    at.runs[scope] = first;
}

void finish_segment(places &at) noexcept {
    const std::uintptr_t page_end = up(at.top, page_bytes());
    if (at.segment == 0) {
        // What comes next must not share a page with what came before.
        if (at.top != page_end) raise_top(at, page_end);
        return;
    }
    const page_number end = page_of(page_end);
    if (end != page_of(at.end)) hold_for_scope(end, page_of(at.end) - end, false);
    if (end != at.segment) {
        arena.pages[at.segment].run = end - at.segment;
        link_run(at, at.scope, at.segment);
    }
    at.segment = 0;
    if (at.top != page_end) raise_top(at, page_end);
}

record *place_small(places &at, const request &wanted, std::uint32_t scope) noexcept {
    const std::size_t slot =
        std::max(smallest_slot, (wanted.size + canary_bytes + 15) & ~std::size_t{15});
    if (at.scope != scope) begin_segment(at, scope);
    if (up(at.top, wanted.alignment) + slot > at.end) {
        if (!open_window(at)) return nullptr;
        begin_segment(at, scope);
    }
    const std::uintptr_t payload = up(at.top, wanted.alignment);
    const std::uintptr_t end = payload + slot;
    const page_number last = page_of(end - 1);
    for (page_number page = page_of(payload); page <= last; ++page)
        arena.pages[page].live.fetch_add(1, std::memory_order_relaxed);
    raise_top(at, end);
    return note_block(payload, wanted, false);
}

record *place_alone(places &at, const request &wanted, std::uint32_t scope) noexcept {
    const std::size_t extra = wanted.alignment > page_bytes() ? wanted.alignment : 0;
    const std::size_t bytes = std::max<std::size_t>(wanted.size, 1) + extra;
    if (bytes < wanted.size || bytes > arena.size / 2) return nullptr;
    const auto count = static_cast<page_number>((bytes + page_bytes() - 1) >> arena.page_shift);
    const page_number first = take_pages(count, 1);
    if (first == 0) return nullptr;
    const std::uintptr_t payload =
        (address_of(first + count) - std::max<std::size_t>(wanted.size, 1)) &
        ~(std::max<std::size_t>(wanted.alignment, 16) - 1);
    const page_number whole = arena.pages[first].run;
    for (page_number page = page_of(payload); page < first + whole; ++page)
        arena.pages[page].back = page - page_of(payload);
    for (page_number page = first; page < first + count; ++page)
        arena.pages[page].live.store(1, std::memory_order_relaxed);
    // What alignment passes over.
    close_pages(first, page_of(payload) - first);
    if (scope != 0) {
        hold_for_scope(first, whole, true);
        link_run(at, scope, first);
    }
    return note_block(payload, wanted, true);
}

void leave_pages(const record &of) noexcept {
    const std::uintptr_t payload = payload_of(of);
    const page_number end = page_of(payload + of.size + slack_of(of) - 1) + 1;
    page_number first = page_of(payload);
    const auto close_from_first = [&](page_number until) {
        if (first == until) return;
        if (!of.own_pages) examine_before_close(first, until - first);
        close_pages(first, until - first);
    };
    for (page_number page = first; page < end; ++page) {
        if (arena.pages[page].live.fetch_sub(1, std::memory_order_acq_rel) == 1) continue;
        close_from_first(page);
        first = page + 1;
    }
    // With what guards it.
    const bool guarded = of.own_pages && state_of(end) == page_state::guard;
    close_from_first(guarded ? end + 1 : end);
}

bool hold_page(page_number page) noexcept {
    auto &live = arena.pages[page].live;
    auto now = live.load(std::memory_order_relaxed);
    while (now != 0)
        if (live.compare_exchange_weak(now, static_cast<decltype(now)>(now + 1),
                                       std::memory_order_acq_rel, std::memory_order_relaxed))
            return true;
    return false;
}

void let_go_of_page(page_number page) noexcept {
    if (arena.pages[page].live.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    examine_before_close(page, 1);
    close_pages(page, 1);
}

} // namespace scratch::shim::check
