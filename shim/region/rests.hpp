// Which turns of a loop are not worth a region for now: those that leave chunks waiting for blocks
// that outlive them, again and again, until little of the budget is left. Each such chunk is cold
// memory for the next turn and lost to regions that would give it back; a chunk is held by one
// small block as long as by a full one (DESIGN 7).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace scratch::shim {

struct thread_heap;

// How often the region of that name has to be asked for until it is opened again.
struct rest {
    std::uint64_t name = 0;
    std::uint32_t turns_left = 0;
    std::uint32_t length = 0; // of the last one; 0: none so far
};

// One for each place that names are spread over; a name that comes later takes the place.
using region_rests = std::array<rest, 16>;

// What a region left behind when it ended.
struct remains {
    std::size_t chunks = 0;
    std::size_t live_bytes = 0;
};

// Whether the region is to stay closed this time. Under the inside word, as the others.
bool rests(thread_heap *heap, std::uint64_t name, bool trusted) noexcept;

// A counted turn of no heir has ended so.
void learn_from_end(thread_heap *heap, std::uint64_t name, const remains &left) noexcept;

// A region was opened and the budget left no chunk for it.
void learn_from_refusal(thread_heap *heap, std::uint64_t name) noexcept;

} // namespace scratch::shim
