#include "shim/region/rests.hpp"

#include <algorithm>

#include "shim/heap/chunks.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/observe/counters.hpp"

namespace scratch::shim {

namespace {

constexpr std::uint32_t first_rest = 16;
constexpr std::uint32_t longest_rest = 65536;

// A chunk that is left with less than that in it costs more than it is worth.
constexpr std::size_t least_worth_keeping = chunk_size / 8;

rest &place_of(thread_heap *heap, std::uint64_t name) noexcept {
    // Names are addresses in a table as often as hashes.
    return heap->rests[name * 0x9e3779b97f4a7c15U >> 60];
}
static_assert(std::tuple_size_v<region_rests> == std::size_t{1} << (64 - 60));

void send_to_rest(thread_heap *heap, std::uint64_t name) noexcept {
    rest &place = place_of(heap, name);
    if (place.name != name) place = {.name = name};
    place.length = std::clamp(place.length * 2, first_rest, longest_rest);
    place.turns_left = place.length;
}

} // namespace

bool rests(thread_heap *heap, std::uint64_t name, bool trusted) noexcept {
    // Inside another region its calls would be that one's, and refused for the same reason.
    if (trusted || heap->regions.depth != 0) return false;
    rest &place = place_of(heap, name);
    if (place.name != name || place.turns_left == 0) return false;
    --place.turns_left;
    counters().regions_rested.fetch_add(1, std::memory_order_relaxed);
    return true;
}

void learn_from_end(thread_heap *heap, std::uint64_t name, const remains &left) noexcept {
    if (left.live_bytes < left.chunks * least_worth_keeping && !may_charge_ahead())
        return send_to_rest(heap, name);
    rest &place = place_of(heap, name);
    if (place.name == name && left.chunks == 0) place.length /= 2;
}

void learn_from_refusal(thread_heap *heap, std::uint64_t name) noexcept {
    if (!budget_has_room()) send_to_rest(heap, name);
}

} // namespace scratch::shim
