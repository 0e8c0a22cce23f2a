#include "shim/check/blocks.hpp"

#include <atomic>

#include "core/kept_errno.hpp"
#include "shim/check/options.hpp"
#include "shim/check/places.hpp"
#include "shim/check/report.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim::check {

namespace {

// Of each place of allocation so many blocks get pages of their own, and one in so many later: a
// defect shows in the first rounds or comes again, and a page for each block would cost two
// mappings and four kilobytes each.
constexpr std::uint32_t alone_at_first = 32;
constexpr std::uint32_t alone_later = 64;

constinit std::atomic<bool> stopped{false};

bool gets_own_pages(const request &wanted, trace_id allocated) noexcept {
    if (wanted.size > largest_small_block || wanted.alignment > page_bytes() / 2) return true;
    kept_trace *from = trace_at(allocated);
    if (from == nullptr || !has_mappings_left()) return false;
    const std::uint32_t before = from->blocks.fetch_add(1, std::memory_order_relaxed);
    return asked.every_block || before < alone_at_first || before % alone_later == 0;
}

bool fits(maker by, freer how) noexcept {
    switch (how) {
    case freer::free:
        return by == maker::malloc || by == maker::aligned;
    case freer::realloc:
        return by == maker::malloc || by == maker::aligned;
    case freer::scalar_delete:
        return by == maker::scalar_new;
    case freer::array_delete:
        return by == maker::array_new;
    }
    return true;
}

const char *name_of(freer how) noexcept {
    switch (how) {
    case freer::realloc:
        return "realloc";
    case freer::scalar_delete:
        return "operator delete";
    case freer::array_delete:
        return "operator delete[]";
    default:
        return "free";
    }
}

void tell_free(defect kind, void *payload, const record *block, freer how) noexcept {
    backtrace here;
    take_backtrace(here);
    tell({.kind = kind,
          .what = name_of(how),
          .address = reinterpret_cast<std::uintptr_t>(payload),
          .block = block,
          .place = &here,
          .where =
              kind == defect::overflow ? "found here, when the block was freed" : "freed here"});
}

// A free that nothing can follow.
void tell_wrong_free(void *payload, const record *block, freer how) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(payload);
    if (block == nullptr) {
        const record *around = find_around(address);
        const bool of_ended_scope =
            around != nullptr && arena.pages[page_of(payload_of(*around))].ended != 0;
        return tell_free(of_ended_scope ? defect::use_after_scope : defect::invalid_free, payload,
                         around, how);
    }
    tell_free(arena.pages[page_of(address)].ended != 0 ? defect::use_after_scope
                                                       : defect::double_free,
              payload, block, how);
}

void bury(record &dead) noexcept {
    backtrace here;
    take_backtrace(here);
    dead.freed = keep(here);
    if (!dead.own_pages) dead.sum = sum_of_contents(dead);
    leave_pages(dead);
}

} // namespace

bool check_no_more() noexcept { return !stopped.exchange(true, std::memory_order_relaxed); }

void *allocate_block(const request &wanted) noexcept {
    if (stopped.load(std::memory_order_relaxed)) return nullptr;
    const kept_errno keep_errno;
    const inside here;
    if (!here) return nullptr;
    thread_heap *heap = start_own_heap();
    if (heap == nullptr) return nullptr;
    if (heap->regions.depth != 0) end_finished_regions(heap, stack_pointer());

    backtrace from;
    take_backtrace(from);
    const trace_id allocated = keep(from);
    std::uint32_t scope = innermost_scope(heap, stack_pointer());
    if (scope != 0 && (from.depth == 0 || is_runtime(from.frames[0]))) scope = 0;

    places &at = own_places(heap);
    record *made = gets_own_pages(wanted, allocated) ? place_alone(at, wanted, scope)
                                                     : place_small(at, wanted, scope);
    if (made == nullptr) return nullptr;
    made->allocated = allocated;
    made->thread = heap->shared.thread_id.load(std::memory_order_relaxed);
    made->life.store(block_life::live, std::memory_order_release);
    return reinterpret_cast<void *>(payload_of(*made));
}

bool free_block(void *payload, const freeing &how) noexcept {
    if (!in_arena(payload)) return false;
    const kept_errno keep_errno;
    const inside here;
    // A signal handler that interrupted us: the block stays where it is, and counts as freed.
    record *freed = find_record(payload);
    if (!here) {
        if (freed != nullptr) freed->life.store(block_life::freed, std::memory_order_relaxed);
        return true;
    }
    if (freed == nullptr || arena.pages[page_of(payload_of(*freed))].ended != 0) {
        tell_wrong_free(payload, freed, how.by);
        return true;
    }
    block_life seen = block_life::live;
    if (!freed->life.compare_exchange_strong(seen, block_life::freed, std::memory_order_acq_rel)) {
        tell_wrong_free(payload, freed, how.by);
        return true;
    }
    if (!fits(freed->made_by, how.by) || (how.sized && how.size != freed->size))
        tell_free(defect::mismatched_free, payload, freed, how.by);
    if (const std::uintptr_t at = damaged_at(*freed))
        tell_free(defect::overflow, reinterpret_cast<void *>(at), freed, how.by);
    bury(*freed);
    return true;
}

} // namespace scratch::shim::check
