// The malloc family of musl: names only, no logic. Within musl memalign is aligned_alloc, rounds
// nothing up, and there are no names beside these (free_sized is for programs of newer ones).

#include <cstddef>
#include <cstdint>

#include "shim/heap/thread_heap.hpp"
#include "shim/next/next.hpp"
#include "shim/route/entries.hpp"
#include "shim/route/malloc_family.hpp"
#include "shim/route/push.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

using namespace scratch::shim;

namespace {

[[gnu::always_inline]] inline void *call_malloc(std::size_t size) noexcept {
    if (void *pushed = SCRATCH_PUSH(size)) return pushed;
    return entries.malloc(size);
}

[[gnu::always_inline]] inline void call_free(void *payload) noexcept {
    if (is_ours(payload)) return release(payload);
    return next.free(payload);
}

// Null first: some programs have no other malloc (Lua).
[[gnu::always_inline]] inline void *call_realloc(void *payload, std::size_t size,
                                                 origin from) noexcept {
    if (payload == nullptr) return call_malloc(size);
    return is_ours(payload) ? reallocate(payload, size, from) : next.realloc(payload, size);
}

} // namespace

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
SCRATCH_EXPORT void *memalign(std::size_t alignment, std::size_t size) noexcept {
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
