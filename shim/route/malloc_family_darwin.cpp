#include "shim/route/malloc_family_darwin.hpp"

#include <bit>

#include "shim/heap/thread_heap.hpp"
#include "shim/next/next.hpp"
#include "shim/next/system_zone_darwin.hpp"
#include "shim/route/malloc_family.hpp"
#include "shim/route/route.hpp"
#include "shim/route/zone_darwin.hpp"

namespace scratch::shim {

void *reallocate_or_free(void *payload, std::size_t size, origin from) noexcept {
    void *const moved = reallocate(payload, size, from);
    if (moved == nullptr && size != 0) free_any(payload);
    return moved;
}

void *push_posix_aligned(std::size_t alignment, std::size_t size, origin from) noexcept {
    const bool valid = std::has_single_bit(alignment) && alignment >= sizeof(void *);
    return valid ? push_if_tagged(size, alignment, from) : nullptr;
}

void *push_aligned_strictly(std::size_t alignment, std::size_t size, origin from) noexcept {
    return (size & (alignment - 1)) == 0 ? push_posix_aligned(alignment, size, from) : nullptr;
}

void *allocate_aligned_strictly(std::size_t alignment, std::size_t size, origin from) noexcept {
    void *const pushed = push_aligned_strictly(alignment, size, from);
    return pushed != nullptr ? pushed : next.aligned_alloc(alignment, size);
}

std::size_t size_of_block(const void *payload) noexcept {
    if (!is_ours(payload)) return next.malloc_usable_size(const_cast<void *>(payload));
    return size_in_scratch_zone(payload);
}

malloc_zone_t *zone_of(const void *payload) noexcept {
    if (size_in_scratch_zone(payload) != 0) return scratch_zone();
    malloc_zone_t *const found = ::malloc_zone_from_ptr(payload);
    // The library calls its own zone the default one while that is the first.
    return found != nullptr && found == system_zone ? ::malloc_default_zone() : found;
}

void free_in_zone(malloc_zone_t *zone, void *payload) noexcept {
    if (!release_if_ours(payload)) ::malloc_zone_free(zone, payload);
}

void *reallocate_in_zone(malloc_zone_t *zone, void *payload, std::size_t size,
                         origin from) noexcept {
    return payload != nullptr && is_ours(payload) ? reallocate(payload, size, from)
                                                  : ::malloc_zone_realloc(zone, payload, size);
}

void tell_statistics(malloc_zone_t *zone, malloc_statistics_t *told) noexcept {
    const bool is_default = system_zone != nullptr && zone == ::malloc_default_zone();
    ::malloc_zone_statistics(is_default ? system_zone : zone, told);
}

void free_batch(malloc_zone_t *zone, void **payloads, unsigned count) noexcept {
    // What the function finds there afterwards is not promised.
    unsigned others = 0;
    for (unsigned i = 0; i < count; ++i)
        if (!release_if_ours(payloads[i])) payloads[others++] = payloads[i];
    ::malloc_zone_batch_free(zone, payloads, others);
}

} // namespace scratch::shim
