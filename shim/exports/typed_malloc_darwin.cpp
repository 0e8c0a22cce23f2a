// The malloc family with types, which newer compilers have programs for macOS 14 and later call:
// names only, no logic. Where the system is older the loader finds none of the replaced ones.

#include <cstddef>
#include <cstdint>

#include <malloc/malloc.h>

#include "core/pages.hpp"
#include "shim/exports/interpose_darwin.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/route/malloc_family.hpp"
#include "shim/route/malloc_family_darwin.hpp"
#include "shim/route/route.hpp"

using namespace scratch::shim;

// Declared here: the headers of systems before 14 know none of them, and those of later ones say
// that they are not everywhere, which is looked after.
#pragma clang diagnostic ignored "-Wunguarded-availability-new"
using type_id = unsigned long long;
extern "C" {
__attribute__((weak_import)) void *malloc_type_malloc(std::size_t size, type_id type);
__attribute__((weak_import)) void *malloc_type_calloc(std::size_t count, std::size_t size,
                                                      type_id type);
__attribute__((weak_import)) void *malloc_type_realloc(void *payload, std::size_t size,
                                                       type_id type);
__attribute__((weak_import)) void *malloc_type_valloc(std::size_t size, type_id type);
__attribute__((weak_import)) void *malloc_type_aligned_alloc(std::size_t alignment,
                                                             std::size_t size, type_id type);
__attribute__((weak_import)) int malloc_type_posix_memalign(void **result, std::size_t alignment,
                                                            std::size_t size, type_id type);
__attribute__((weak_import)) void malloc_type_free(void *payload, type_id type);
__attribute__((weak_import)) void *malloc_type_zone_realloc(malloc_zone_t *zone, void *payload,
                                                            std::size_t size, type_id type);
__attribute__((weak_import)) void malloc_type_zone_free(malloc_zone_t *zone, void *payload,
                                                        type_id type);
}

namespace interposed {
namespace {

// What is not pushed goes on to its own next. The type helps the system's zone to keep blocks of
// different types apart; ours has no use for it, and stands before that one.
void *malloc_type_malloc(std::size_t size, type_id type) noexcept {
    void *const pushed = push_if_tagged(size, 1, SCRATCH_ORIGIN);
    return pushed != nullptr ? pushed : ::malloc_type_malloc(size, type);
}
void *malloc_type_calloc(std::size_t count, std::size_t size, type_id type) noexcept {
    void *const pushed = push_zeroed_if_tagged(count, size, SCRATCH_ORIGIN);
    return pushed != nullptr ? pushed : ::malloc_type_calloc(count, size, type);
}
void *malloc_type_realloc(void *payload, std::size_t size, type_id type) noexcept {
    if (payload != nullptr && is_ours(payload)) return reallocate(payload, size, SCRATCH_ORIGIN);
    void *const pushed = payload == nullptr ? push_if_tagged(size, 1, SCRATCH_ORIGIN) : nullptr;
    return pushed != nullptr ? pushed : ::malloc_type_realloc(payload, size, type);
}
void *malloc_type_valloc(std::size_t size, type_id type) noexcept {
    void *const pushed = push_if_tagged(size, scratch::pages::page_size(), SCRATCH_ORIGIN);
    return pushed != nullptr ? pushed : ::malloc_type_valloc(size, type);
}
void *malloc_type_aligned_alloc(std::size_t alignment, std::size_t size, type_id type) noexcept {
    void *const pushed = push_aligned_strictly(alignment, size, SCRATCH_ORIGIN);
    return pushed != nullptr ? pushed : ::malloc_type_aligned_alloc(alignment, size, type);
}
int malloc_type_posix_memalign(void **result, std::size_t alignment, std::size_t size,
                               type_id type) noexcept {
    void *const pushed = push_posix_aligned(alignment, size, SCRATCH_ORIGIN);
    if (pushed == nullptr) return ::malloc_type_posix_memalign(result, alignment, size, type);
    *result = pushed;
    return 0;
}
void malloc_type_free(void *payload, type_id type) noexcept {
    if (!release_if_ours(payload)) ::malloc_type_free(payload, type);
}
void *malloc_type_zone_realloc(malloc_zone_t *zone, void *payload, std::size_t size,
                               type_id type) noexcept {
    return payload != nullptr && is_ours(payload)
               ? reallocate(payload, size, SCRATCH_ORIGIN)
               : ::malloc_type_zone_realloc(zone, payload, size, type);
}
void malloc_type_zone_free(malloc_zone_t *zone, void *payload, type_id type) noexcept {
    if (!release_if_ours(payload)) ::malloc_type_zone_free(zone, payload, type);
}

} // namespace
} // namespace interposed

#define SCRATCH_INTERPOSED(X)                                                                      \
    X(malloc_type_malloc)                                                                          \
    X(malloc_type_calloc)                                                                          \
    X(malloc_type_realloc)                                                                         \
    X(malloc_type_valloc)                                                                          \
    X(malloc_type_aligned_alloc)                                                                   \
    X(malloc_type_posix_memalign)                                                                  \
    X(malloc_type_free)                                                                            \
    X(malloc_type_zone_realloc)                                                                    \
    X(malloc_type_zone_free)

#define SCRATCH_TUPLE(name) SCRATCH_INTERPOSE(interposed::name, ::name),
SCRATCH_INTERPOSITIONS(interposed_types) = {SCRATCH_INTERPOSED(SCRATCH_TUPLE)};
