#include "shim/region/region.hpp"

#include "shim/check/blocks.hpp"
#include "shim/heap/chunks.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/large.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/remote.hpp"
#include "shim/heap/statistics.hpp"
#include "shim/heap/threads.hpp"
#include "shim/observe/counters.hpp"
#include "shim/region/escapes.hpp"
#include "shim/region/rests.hpp"
#include "shim/region/steps.hpp"
#include "shim/route/adaptive.hpp"
#include "shim/route/route.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

namespace {

// Set by the header where an exception passes.
bool is_uncertain(region_token token) noexcept { return (token >> 63) != 0; }

// Names are compared by their text and may be gone after the call. FNV-1a, 64 bits.
std::uint64_t name_hash(const char *name) noexcept {
    const char *text = name;
    std::uint64_t hash = 0xcbf29ce484222325;
    for (; name != nullptr && *name != '\0'; ++name)
        hash = (hash ^ static_cast<unsigned char>(*name)) * 0x100000001b3;
    if (blocks_are_checked()) check::note_scope_name(hash, text);
    return hash;
}

} // namespace

bool prepare_region(bool trusted) noexcept {
    serve_regions();
    const bool known = (!trusted && !has_exclusions()) || learn_runtime();
    return trusted && known;
}

namespace {

// A region that is opened while the thread's own stack is known serves that one only, from where
// it was opened down: else what other stacks get in it would go to the trusted region around it at
// its end.
std::uintptr_t part_of_own_stack(std::uintptr_t opened_at) noexcept {
    return is_on_own_stack(opened_at) ? opened_at - this_thread.stack_begin
                                      : this_thread.stack_size;
}

} // namespace

void begin_region(thread_heap *heap, std::uint64_t name, std::uintptr_t stack_pointer, bool trusted,
                  region_kind kind) noexcept {
    const std::uintptr_t called_at =
        stack_pointer != no_bound ? stack_pointer : scratch::shim::stack_pointer();
    if (stack_pointer == no_bound && heap->regions.depth != 0)
        stack_pointer = heap->regions.open[heap->regions.depth - 1].stack_pointer;
    const bool on_own = is_on_own_stack(called_at);
    add_region(heap, name, stack_pointer, on_own ? part_of_own_stack(stack_pointer) : any_stack,
               trusted, kind);
    innermost_region(heap)->detached = is_own_stack_known() && !on_own;
    if (blocks_are_checked())
        check::begin_scope(heap);
    else if (kind == region_kind::paused)
        set_top(heap, nullptr, 0, 0);
    else if (!open_chunk(heap) && !trusted && !(reclaim_from_dead_thread() && open_chunk(heap)) &&
             heap->regions.depth == 1 && kind == region_kind::frame)
        learn_from_refusal(heap, name);
    publish_regions(heap);
}

namespace {

void count_escape(const thread_heap *heap, std::uint32_t site, std::size_t size) noexcept {
    note_escape(site, size, heap->regions.ending_late);
    counters().escapes.fetch_add(1, std::memory_order_relaxed);
    counters().escaped_bytes.fetch_add(size, std::memory_order_relaxed);
}

void reset_large(thread_heap *heap, const region &ended) noexcept {
    while (ended.large != nullptr)
        drop_large(heap, ended.large);
}

// Who has what escapes from the innermost region: the nearest trusted region around it, since its
// end reclaims all that was allocated while it was open, on its own stack. 0: nobody.
std::uint32_t heir_of_innermost(const thread_heap *heap) noexcept {
    if (heap->regions.open[heap->regions.depth - 1].detached) return 0;
    for (std::uint32_t i = heap->regions.depth - 1; i-- > 0;)
        if (heap->regions.open[i].trusted) return heap->regions.open[i].serial;
    return 0;
}

// Not known of one that alignment moved from the begin.
std::uint32_t site_of_large(const chunk *c) noexcept {
    const auto *first = reinterpret_cast<const block *>(c->begin());
    return first->state == block_state::large ? first->site : 0;
}

void let_large_escape(thread_heap *heap, region &ended, std::uint32_t heir) noexcept {
    while (chunk *c = ended.large) {
        unlink_chunk(ended.large, c);
        c->region = heir;
        link_chunk(list_of(heap, c), c);
        if (heir == 0) count_escape(heap, site_of_large(c), c->large_size);
    }
}

void reset_chunks(thread_heap *heap, region &ended) noexcept {
    forget_sweep(heap);
    if (chunk *c = heap->current; c != nullptr) {
        set_top(heap, nullptr, 0, 0);
        give_back(heap, c);
    }
    for (chunk *c = ended.chunks; c != nullptr;) {
        chunk *next = c->next;
        if (!c->trusted) unpin(heap, c);
        give_back(heap, c);
        c = next;
    }
}

remains let_chunks_wait(thread_heap *heap, region &ended, std::uint32_t heir) noexcept {
    retire_current(heap);
    forget_sweep(heap);
    remains left;
    for (chunk *c = ended.chunks; c != nullptr;) {
        chunk *next = c->next;
        if (!c->trusted) unpin(heap, c);
        if (c->brief && heir == 0) let_outlive(c);
        // Counted anew: a trusted chunk was not until now, and a handler may have freed while
        // another retired.
        if (!heap->regions.ending_late) c->unnoted = nullptr;
        settle(c, c->begin() + c->used);
        c->settled = !c->brief || heir == 0;
        if (c->live == 0) {
            give_back(heap, c);
        } else {
            if (heir == 0) {
                for_each_live_block(c, [heap, c](block &b) {
                    count_escape(heap, site_in(*c, b), payload_size_in(*c, b));
                });
                settle_as_counted(heap, c);
            }
            ++left.chunks;
            left.live_bytes += c->live;
            c->region = heir;
            c->examined = true;
            if (!c->trusted) pin(heap, c);
            link_chunk(list_of(heap, c), c);
        }
        c = next;
    }
    return left;
}

// A place for a region that is not open has no chunks: so the next one there begins without.
void close_innermost(thread_heap *heap, region &ended) noexcept {
    ended.chunks = ended.large = nullptr;
    --heap->regions.depth;
    return_to_outer(heap, ended);
}

} // namespace

void end_innermost(thread_heap *heap, bool exactly) noexcept {
    region &ended = *innermost_region(heap);
    drain_remote_frees(heap);
    const bool resets = exactly && ended.trusted && !ended.uncertain;
    if (blocks_are_checked()) {
        check::end_scope(heap, resets);
    } else if (resets) {
        reset_chunks(heap, ended);
        reset_large(heap, ended);
    } else {
        const std::uint32_t heir = heir_of_innermost(heap);
        const remains left = let_chunks_wait(heap, ended, heir);
        let_large_escape(heap, ended, heir);
        if (heir == 0 && !ended.trusted && ended.kind == region_kind::frame)
            learn_from_end(heap, ended.name, left);
    }
    close_innermost(heap, ended);
}

void end_down_to(thread_heap *heap, std::uint32_t depth) noexcept {
    while (heap->regions.depth > depth)
        end_innermost(heap, false);
}

void end_region_at(thread_heap *heap, std::uint32_t depth, bool exactly) noexcept {
    while (heap->regions.depth > depth + 1 && innermost_region(heap)->kind == region_kind::frame)
        end_innermost(heap, true);
    if (heap->regions.depth == depth + 1) {
        end_innermost(heap, exactly);
    } else {
        end_down_to(heap, depth);
    }
}

namespace {

// Leaves of one region may come late, when another region stands at its depth: the newer one's
// counts. Serials wrap.
void leave_for_owner(thread_heap *heap, region_token token) noexcept {
    if (depth_in(token) >= deepest_region) return;
    const auto serial = static_cast<std::uint32_t>(token);
    std::atomic<std::uint32_t> &left = heap->shared.left[depth_in(token)];
    std::uint32_t before = left.load(std::memory_order_relaxed);
    while (before == 0 || static_cast<std::int32_t>(serial - before) > 0) {
        if (!left.compare_exchange_weak(before, serial, std::memory_order_relaxed)) continue;
        heap->shared.left_by_others.store(true, std::memory_order_release);
        return;
    }
}

void end_left_by_others(thread_heap *heap) noexcept {
    if (!heap->shared.left_by_others.load(std::memory_order_relaxed)) return;
    heap->shared.left_by_others.exchange(false, std::memory_order_acquire);
    std::uint32_t outermost = heap->regions.depth;
    for (std::uint32_t depth = deepest_region; depth-- > 0;) {
        std::atomic<std::uint32_t> &left = heap->shared.left[depth];
        if (left.load(std::memory_order_relaxed) == 0) continue;
        const std::uint32_t serial = left.exchange(0, std::memory_order_relaxed);
        if (depth < outermost && heap->regions.open[depth].serial == serial) outermost = depth;
    }
    end_down_to(heap, outermost);
}

} // namespace

void end_regions_below(thread_heap *heap, std::uintptr_t stack_pointer) noexcept {
    heap->regions.ending_late = true;
    // Addresses on another stack (a coroutine's, a signal handler's) prove nothing.
    if (stack_pointer <= this_thread.stack_top)
        while (heap->regions.depth != 0 && innermost_region(heap)->stack_pointer < stack_pointer)
            end_innermost(heap, false);
    heap->regions.ending_late = false;
}

bool end_finished_regions(thread_heap *heap, std::uintptr_t stack_pointer) noexcept {
    heap->regions.ending_late = true;
    end_left_by_others(heap);
    heap->regions.ending_late = false;
    // The return of a hooked function is told, and so are an unwinder and a longjmp that pass it.
    // Who comes from above it nevertheless may have switched stacks, and go back there.
    const bool in_order = stack_pointer > this_thread.stack_top || heap->regions.depth == 0 ||
                          innermost_region(heap)->stack_pointer >= stack_pointer ||
                          innermost_region(heap)->kind != region_kind::hooked;
    end_regions_below(heap, stack_pointer);
    if (!in_order) make_open_regions_uncertain(heap);
    return in_order;
}

void end_opened_before(thread_heap *heap, std::uint64_t name, std::uintptr_t stack_pointer,
                       std::uintptr_t site) noexcept {
    for (std::uint32_t depth = 0; depth < heap->regions.depth; ++depth) {
        const region &open = heap->regions.open[depth];
        if (open.stack_pointer != stack_pointer || open.name != name) continue;
        const bool same_call =
            open.kind == region_kind::entered ? open.called_at == site : site == 0;
        if (same_call) return end_down_to(heap, depth);
    }
}

void close_for_adoption(thread_heap *heap) noexcept {
    while (heap->regions.depth != 0) {
        region &ended = heap->regions.open[heap->regions.depth - 1];
        if (blocks_are_checked()) check::end_scope(heap, false);
        let_chunks_wait(heap, ended, 0);
        let_large_escape(heap, ended, 0);
        close_innermost(heap, ended);
    }
    retire_current(heap);
}

region_token enter_region(const char *name, bool trusted, std::uintptr_t stack_pointer,
                          std::uintptr_t site) noexcept {
    if (!regions_allowed()) return 0;
    const inside here;
    if (!here) return 0;
    thread_heap *heap = start_own_heap();
    if (heap == nullptr) return 0;
    trusted = prepare_region(trusted);
    // The caller's frame lies higher than ours, so it proves the end of more.
    trusted &= end_finished_regions(heap, stack_pointer == no_bound ? scratch::shim::stack_pointer()
                                                                    : stack_pointer);
    const std::uint64_t hash = name_hash(name);
    const bool bounded = stack_pointer != no_bound;
    if (bounded) end_opened_before(heap, hash, stack_pointer, site);
    if (heap->regions.depth == deepest_region) return 0;
    begin_region(heap, hash, stack_pointer, trusted, region_kind::entered);
    innermost_region(heap)->called_at = bounded ? site : 0;
    return token_of_innermost(heap);
}

void leave_region(region_token token) noexcept {
    if (token == 0 || slot_in(token) >= heaps_ever_started()) return;
    thread_heap *heap = heap_at(slot_in(token));
    const inside here;
    if (heap != this_thread.own || !here) {
        leave_for_owner(heap, token);
        return;
    }
    end_left_by_others(heap);
    if (!is_still_open(heap, token)) return;
    end_region_at(heap, depth_in(token), !is_uncertain(token));
}

void turn_frame(const char *name, bool trusted) noexcept {
    if (!regions_allowed()) return;
    const inside here;
    if (!here) return;
    thread_heap *heap = start_own_heap();
    if (heap == nullptr) return;
    trusted = prepare_region(trusted);
    trusted &= end_finished_regions(heap, stack_pointer());
    turn_frame_of(heap, name_hash(name), trusted, [](const region &) { return true; });
}

} // namespace scratch::shim
