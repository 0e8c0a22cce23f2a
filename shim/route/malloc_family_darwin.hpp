// What the malloc family of macOS has beyond the common one, and where it differs.
#pragma once

#include <cstddef>
#include <cstdint>

#include <malloc/malloc.h>

#include "shim/route/origin.hpp"

namespace scratch::shim {

// As realloc; where that fails the block is freed.
void *reallocate_or_free(void *payload, std::size_t size, origin from) noexcept;
// On the stack or null: for the system, which also says what is wrong. `size` has to be a multiple
// of the alignment here.
void *push_aligned_strictly(std::size_t alignment, std::size_t size, origin from) noexcept;
void *push_posix_aligned(std::size_t alignment, std::size_t size, origin from) noexcept;
void *allocate_aligned_strictly(std::size_t alignment, std::size_t size, origin from) noexcept;
// 0 for what is no block.
std::size_t size_of_block(const void *payload) noexcept;

// Calls that name a zone, which may be wrong about our blocks: they were allocated by a plain call.
malloc_zone_t *zone_of(const void *payload) noexcept;
void free_in_zone(malloc_zone_t *zone, void *payload) noexcept;
void *reallocate_in_zone(malloc_zone_t *zone, void *payload, std::size_t size,
                         origin from) noexcept;
// The default zone's are those of the zone that it stood for.
void tell_statistics(malloc_zone_t *zone, malloc_statistics_t *told) noexcept;
void free_batch(malloc_zone_t *zone, void **payloads, unsigned count) noexcept;

} // namespace scratch::shim
