// What glibc's malloc family has beside the common one: names only, no logic.

#include "shim/exports/malloc_family.hpp"

using namespace scratch::shim;

SCRATCH_EXPORT void *memalign(std::size_t alignment, std::size_t size) noexcept {
    return allocate_memalign(alignment, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *pvalloc(std::size_t size) noexcept {
    return allocate_whole_pages(size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void cfree(void *payload) noexcept { call_free(payload); }
SCRATCH_EXPORT void *__libc_malloc(std::size_t size) noexcept { return call_malloc(size); }
SCRATCH_EXPORT void __libc_free(void *payload) noexcept { call_free(payload); }
SCRATCH_EXPORT void *__libc_calloc(std::size_t count, std::size_t size) noexcept {
    return allocate_zeroed(count, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *__libc_realloc(void *payload, std::size_t size) noexcept {
    return call_realloc(payload, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *__libc_memalign(std::size_t alignment, std::size_t size) noexcept {
    return allocate_memalign(alignment, size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *__libc_valloc(std::size_t size) noexcept {
    return allocate_pages(size, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT void *__libc_pvalloc(std::size_t size) noexcept {
    return allocate_whole_pages(size, SCRATCH_ORIGIN);
}
