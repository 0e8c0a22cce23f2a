// The malloc family of macOS: names only, no logic.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <malloc/malloc.h>

#include "shim/exports/interpose_darwin.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/next/next.hpp"
#include "shim/route/entries.hpp"
#include "shim/route/malloc_family.hpp"
#include "shim/route/malloc_family_darwin.hpp"
#include "shim/route/push.hpp"

extern "C" void vfree(void *payload);

using namespace scratch::shim;

namespace interposed {
namespace {

void *malloc(std::size_t size) noexcept {
    if (void *pushed = push_at_once(size)) return pushed;
    return entries.malloc(size);
}
void free(void *payload) noexcept {
    if (is_ours(payload)) return release(payload);
    return next.free(payload);
}
void *calloc(std::size_t count, std::size_t size) noexcept {
    return allocate_zeroed(count, size, SCRATCH_ORIGIN);
}
void *realloc(void *payload, std::size_t size) noexcept {
    return reallocate(payload, size, SCRATCH_ORIGIN);
}
void *reallocf(void *payload, std::size_t size) noexcept {
    return reallocate_or_free(payload, size, SCRATCH_ORIGIN);
}
int posix_memalign(void **result, std::size_t alignment, std::size_t size) noexcept {
    return allocate_posix_aligned(result, alignment, size, SCRATCH_ORIGIN);
}
void *aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return allocate_aligned_strictly(alignment, size, SCRATCH_ORIGIN);
}
void *valloc(std::size_t size) noexcept { return allocate_pages(size, SCRATCH_ORIGIN); }
void vfree(void *payload) noexcept { free_any(payload); }
std::size_t malloc_size(const void *payload) noexcept { return size_of_block(payload); }
// What the system's rounds up to is right for blocks of either kind.
std::size_t malloc_good_size(std::size_t size) noexcept { return ::malloc_good_size(size); }

malloc_zone_t *malloc_zone_from_ptr(const void *payload) noexcept { return zone_of(payload); }
void malloc_zone_free(malloc_zone_t *zone, void *payload) noexcept { free_in_zone(zone, payload); }
void *malloc_zone_realloc(malloc_zone_t *zone, void *payload, std::size_t size) noexcept {
    return reallocate_in_zone(zone, payload, size, SCRATCH_ORIGIN);
}
void malloc_zone_statistics(malloc_zone_t *zone, malloc_statistics_t *told) noexcept {
    tell_statistics(zone, told);
}
void malloc_zone_batch_free(malloc_zone_t *zone, void **payloads, unsigned count) noexcept {
    free_batch(zone, payloads, count);
}

} // namespace
} // namespace interposed

#define SCRATCH_INTERPOSED(X)                                                                      \
    X(malloc)                                                                                      \
    X(free)                                                                                        \
    X(calloc)                                                                                      \
    X(realloc)                                                                                     \
    X(reallocf)                                                                                    \
    X(posix_memalign)                                                                              \
    X(aligned_alloc)                                                                               \
    X(valloc)                                                                                      \
    X(vfree)                                                                                       \
    X(malloc_size)                                                                                 \
    X(malloc_good_size)                                                                            \
    X(malloc_zone_from_ptr)                                                                        \
    X(malloc_zone_free)                                                                            \
    X(malloc_zone_realloc)                                                                         \
    X(malloc_zone_batch_free)                                                                      \
    X(malloc_zone_statistics)

#define SCRATCH_TUPLE(name) SCRATCH_INTERPOSE(interposed::name, ::name),
SCRATCH_INTERPOSITIONS(interposed_family) = {SCRATCH_INTERPOSED(SCRATCH_TUPLE)};
