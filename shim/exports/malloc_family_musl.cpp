// What musl's malloc family has beside the common one: names only, no logic. Within musl memalign
// is aligned_alloc, and rounds nothing up.

#include "shim/exports/malloc_family.hpp"

using namespace scratch::shim;

SCRATCH_EXPORT void *memalign(std::size_t alignment, std::size_t size) noexcept {
    return allocate_aligned(alignment, size, SCRATCH_ORIGIN);
}
