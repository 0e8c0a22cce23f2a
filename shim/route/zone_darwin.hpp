// The zone that the system's malloc library finds our blocks in, where a call for one of them does
// not come through an interposed name: from inside that library, or out of an object that was bound
// before us.
#pragma once

#include <cstddef>

#include <malloc/malloc.h>

namespace scratch::shim {

// Once, before the first block is pushed.
void register_scratch_zone() noexcept;

malloc_zone_t *scratch_zone() noexcept;

// Bytes of a live block of ours that begins there; 0 for everything else.
std::size_t size_in_scratch_zone(const void *payload) noexcept;

} // namespace scratch::shim
