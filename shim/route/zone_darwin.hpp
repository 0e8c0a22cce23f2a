// The zone that the system's malloc library finds our blocks in, where a call for one of them does
// not come through an interposed name: from inside that library, or out of the system's libraries,
// most of whose calls of one another the loader does not interpose.
#pragma once

#include <cstddef>

#include <malloc/malloc.h>

namespace scratch::shim {

// Once, before the first block is pushed. It becomes the first zone, the one that the default zone
// stands for: libraries of the system that hand the default zone a block which somebody took from
// malloc (CoreFoundation, by malloc_zone_free) find ours so. All else goes on to the zone that was
// the first.
void register_scratch_zone() noexcept;

malloc_zone_t *scratch_zone() noexcept;

// Bytes of a live block of ours that begins there; 0 for everything else.
std::size_t size_in_scratch_zone(const void *payload) noexcept;

} // namespace scratch::shim
