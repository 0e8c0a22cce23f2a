#include "shim/route/samples.hpp"

#include <algorithm>
#include <iterator>

#include "shim/heap/thread_heap.hpp"
#include "shim/route/sites.hpp"

namespace scratch::shim {

namespace {

// As many blocks have to die young, and none late, before a site is thought to make scratch:
// pinning a chunk costs far more than a passed-over site (DESIGN 7), and what slips through is
// demoted later.
constexpr std::uint32_t proof = 24;

std::uint32_t now(const thread_heap *heap) noexcept {
    return heap->samples.clock + (this_thread.interval - this_thread.countdown);
}

void judge(sample &judged, bool young) noexcept {
    site &from = *judged.from;
    judged.watched = nullptr;
    if (!young) {
        from.old.fetch_add(1, std::memory_order_relaxed);
        site_state eligible = site_state::eligible;
        from.state.compare_exchange_strong(eligible, site_state::watched,
                                           std::memory_order_relaxed);
        return;
    }
    if (from.young.fetch_add(1, std::memory_order_relaxed) + 1 < proof) return;
    if (from.old.load(std::memory_order_relaxed) != 0) return;
    site_state watched = site_state::watched;
    from.state.compare_exchange_strong(watched, site_state::eligible, std::memory_order_relaxed);
}

} // namespace

void watch(thread_heap *heap, block &sampled, site &from) noexcept {
    sample_ring &ring = heap->samples;
    ring.newest = (ring.newest + 1) % most_samples;
    sample &place = ring.samples[ring.newest];
    if (place.watched != nullptr) judge(place, false);
    place = {&sampled, &from, now(heap)};
    sampled.site = ring.newest;
    sampled.state = block_state::sampled;
}

void sample_freed(thread_heap *heap, const block &freed) noexcept {
    sample_ring &ring = heap->samples;
    sample *place = &ring.samples[freed.site % most_samples];
    if (place->watched != &freed) {
        // Given up as long-lived before, or freed by another thread, whose link overwrote the
        // number.
        place = std::find_if(std::begin(ring.samples), std::end(ring.samples),
                             [&freed](const sample &s) { return s.watched == &freed; });
        if (place == std::end(ring.samples)) return;
    }
    judge(*place, now(heap) - place->born <= young_age);
}

} // namespace scratch::shim
