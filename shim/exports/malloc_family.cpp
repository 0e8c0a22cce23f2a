// The malloc family that glibc and musl share: names only, no logic. free_sized and
// free_aligned_sized are for programs of newer ones.

#include "shim/exports/malloc_family.hpp"

using namespace scratch::shim;

SCRATCH_EXPORT void *malloc(std::size_t size) noexcept { return call_malloc(size); }
SCRATCH_EXPORT void free(void *payload) noexcept { call_free(payload); }
SCRATCH_EXPORT void *calloc(std::size_t count, std::size_t size) noexcept {
    return allocate_zeroed(count, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *realloc(void *payload, std::size_t size) noexcept {
    return call_realloc(payload, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *reallocarray(void *payload, std::size_t count, std::size_t size) noexcept {
    return reallocate_array(payload, count, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT int posix_memalign(void **result, std::size_t alignment, std::size_t size) noexcept {
    return allocate_posix_aligned(result, alignment, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return allocate_aligned(alignment, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *valloc(std::size_t size) noexcept {
    return allocate_pages(size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT std::size_t malloc_usable_size(void *payload) noexcept {
    return usable_size_of(payload);
}
SCRATCH_EXPORT void free_sized(void *payload, std::size_t) noexcept { call_free(payload); }
SCRATCH_EXPORT void free_aligned_sized(void *payload, std::size_t, std::size_t) noexcept {
    call_free(payload);
}
