// The steps of a region's beginning and end that the quick path of hooked functions shares with all
// others. Inline and without vector registers where the caller is compiled so. All under the inside
// word.
#pragma once

#include "shim/heap/chunks.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/region/own_stack.hpp"
#include "shim/region/region.hpp"
#include "shim/region/rests.hpp"

namespace scratch::shim {

// Compilers work out the address anew for each word of a region, and do not if they cannot see how
// it came about.
[[gnu::always_inline]] inline region *region_at(thread_heap *heap, std::uint32_t depth) noexcept {
    region *found = &heap->regions.open[depth];
    __asm__("" : "+r"(found));
    return found;
}
[[gnu::always_inline]] inline region *innermost_region(thread_heap *heap) noexcept {
    return region_at(heap, heap->regions.depth - 1);
}

// A token: serial in the low half, depth above it, slot plus one on top.
inline region_token make_token(std::uint32_t slot, std::uint32_t depth,
                               std::uint32_t serial) noexcept {
    return std::uint64_t{slot + 1} << 40 | std::uint64_t{depth} << 32 | serial;
}
inline std::uint32_t serial_in(region_token token) noexcept {
    return static_cast<std::uint32_t>(token);
}
inline std::uint32_t depth_in(region_token token) noexcept {
    return static_cast<std::uint32_t>(token >> 32) & 0xff;
}
inline std::uint32_t slot_in(region_token token) noexcept {
    return (static_cast<std::uint32_t>(token >> 40) & 0xffff) - 1;
}
inline bool is_still_open(const thread_heap *heap, region_token token) noexcept {
    return depth_in(token) < heap->regions.depth &&
           heap->regions.open[depth_in(token)].serial == serial_in(token);
}
inline region_token token_of_innermost(const thread_heap *heap) noexcept {
    const std::uint32_t depth = heap->regions.depth - 1;
    return make_token(heap->slot, depth, heap->regions.open[depth].serial);
}

// 0 is no serial.
[[gnu::always_inline]] inline std::uint32_t serial_after(std::uint32_t last) noexcept {
    std::uint32_t next;
    const bool wraps = __builtin_add_overflow(last, 1U, &next);
    return next + wraps;
}

// Puts a region on the thread's regions, which have room for it; it has no chunk yet. It serves
// `stack_size` of the thread's own stack, or any_stack. Returns its serial.
[[gnu::always_inline]] inline std::uint32_t add_region(thread_heap *heap, std::uint64_t name,
                                                       std::uintptr_t stack_pointer,
                                                       std::uintptr_t stack_size, bool trusted,
                                                       region_kind kind) noexcept {
    const std::uint32_t depth = heap->regions.depth;
    region &opened = *region_at(heap, depth);
    opened.outer_stack_size = heap->hot.stack_size;
    heap->hot.stack_size = stack_size;
    opened.name = name;
    opened.stack_pointer = stack_pointer;
    opened.outer_top = heap->hot.top;
    opened.outer_limit = heap->hot.limit | heap->hot.brief_limit;
    opened.outer_chunk = heap->current;
    const std::uint32_t serial = serial_after(heap->regions.last_serial);
    opened.serial = heap->regions.last_serial = serial;
    opened.kind = kind;
    opened.trusted = trusted;
    opened.uncertain = opened.detached = false;
    if (heap->current != nullptr) {
        // A block freed beneath while the region lasts leaves its size here, for the way back.
        reinterpret_cast<block *>(heap->hot.top)->hole_below = 0;
    }
    heap->regions.depth = depth + 1;
    ++heap->hot.counted.regions_entered;
    return serial;
}

[[gnu::always_inline]] inline void return_to_outer(thread_heap *heap,
                                                   const region &ended) noexcept {
    std::uintptr_t top = ended.outer_top;
    heap->current = ended.outer_chunk;
    heap->hot.limit = ended.outer_limit;
    heap->hot.brief_limit = 0;
    if (ended.outer_chunk != nullptr) {
        if (ended.outer_chunk->brief) {
            heap->hot.limit = 0;
            heap->hot.brief_limit = ended.outer_limit;
        } else {
            while (const std::uint32_t hole = reinterpret_cast<block *>(top)->hole_below)
                top -= hole;
        }
    }
    move_top(heap->hot, top);
    heap->hot.stack_size = ended.outer_stack_size;
}

// What the region at that depth serves of the thread's own stack, or any_stack.
inline std::uintptr_t stack_size_of(const thread_heap *heap, std::uint32_t depth) noexcept {
    return depth + 1 < heap->regions.depth ? heap->regions.open[depth + 1].outer_stack_size
                                           : heap->hot.stack_size;
}

// Whether regions may be opened, and trusted if asked for: that takes knowing which calls are the
// runtime's. Returns whether it is to be a trusted one.
bool prepare_region(bool trusted) noexcept;

void begin_region(thread_heap *heap, std::uint64_t name, std::uintptr_t stack_pointer, bool trusted,
                  region_kind kind) noexcept;

// `exactly`: its scope ends here and now, so a trusted one is reset.
void end_innermost(thread_heap *heap, bool exactly) noexcept;

// Ends the inner ones as counted.
void end_down_to(thread_heap *heap, std::uint32_t depth) noexcept;

// Ends, as counted ones, the region that the same call opened before from the same frame, and those
// in it: a jump left them no other way, and the function goes round. `site` of an annotated
// region's call; 0 for a hooked function.
void end_opened_before(thread_heap *heap, std::uint64_t name, std::uintptr_t stack_pointer,
                       std::uintptr_t site) noexcept;

// Ends, as counted ones, the regions whose frames are below there on the thread's own stack.
void end_regions_below(thread_heap *heap, std::uintptr_t stack_pointer) noexcept;

inline void make_open_regions_uncertain(thread_heap *heap) noexcept {
    for (std::uint32_t depth = 0; depth < heap->regions.depth; ++depth)
        heap->regions.open[depth].uncertain = true;
}

// Ends the region at that depth, with the turns of loops inside it; one that was opened otherwise
// above it says that something went out of order: then as counted ones.
void end_region_at(thread_heap *heap, std::uint32_t depth, bool exactly) noexcept;

// Begins the next turn of the frame `name`, and ends the last as turn_frame tells; `exactly` as
// above, asked about the region that ends.
template <typename Exactly>
void turn_frame_of(thread_heap *heap, std::uint64_t name, bool trusted,
                   Exactly &&exactly) noexcept {
    std::uint32_t depth = heap->regions.depth;
    while (depth > 0 && heap->regions.open[depth - 1].kind == region_kind::frame) {
        if (heap->regions.open[--depth].name != name) continue;
        end_down_to(heap, depth + 1);
        end_innermost(heap, exactly(heap->regions.open[depth]));
        break;
    }
    if (heap->regions.depth == deepest_region || rests(heap, name, trusted)) return;
    begin_region(heap, name, no_bound, trusted, region_kind::frame);
}

} // namespace scratch::shim
