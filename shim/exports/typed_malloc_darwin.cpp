// The malloc family with types, which programs call that are compiled for macOS 15 and later: names
// only, no logic. Where the system is older the loader finds none of the replaced ones.

#include <cstddef>
#include <cstdint>

#include <malloc/malloc.h>

#include "shim/exports/interpose_darwin.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/route/malloc_family.hpp"
#include "shim/route/malloc_family_darwin.hpp"
#include "shim/route/route.hpp"

using namespace scratch::shim;

// Declared here: the headers of systems before 15 know none of them.
using type_id = unsigned long long;
extern "C" {
__attribute__((weak_import)) void *malloc_type_malloc(std::size_t size, type_id type);
__attribute__((weak_import)) void *malloc_type_calloc(std::size_t count, std::size_t size,
                                                      type_id type);
__attribute__((weak_import)) void *malloc_type_realloc(void *payload, std::size_t size,
                                                       type_id type);
__attribute__((weak_import)) void malloc_type_free(void *payload, type_id type);
__attribute__((weak_import)) void *malloc_type_zone_realloc(malloc_zone_t *zone, void *payload,
                                                            std::size_t size, type_id type);
__attribute__((weak_import)) void malloc_type_zone_free(malloc_zone_t *zone, void *payload,
                                                        type_id type);
}

namespace interposed {
namespace {

// What is not pushed keeps its type: each goes on to its own next. The aligned ones are all left
// to the system.
void *malloc_type_malloc(std::size_t size, type_id type) noexcept {
    void *const pushed = push_if_tagged(size, 1, SCRATCH_ORIGIN);
    return pushed != nullptr ? pushed : ::malloc_type_malloc(size, type);
}
void *malloc_type_calloc(std::size_t count, std::size_t size, type_id type) noexcept {
    void *const pushed = push_zeroed_if_tagged(count, size, SCRATCH_ORIGIN);
    return pushed != nullptr ? pushed : ::malloc_type_calloc(count, size, type);
}
void *malloc_type_realloc(void *payload, std::size_t size, type_id type) noexcept {
    return payload != nullptr && is_ours(payload) ? reallocate(payload, size, SCRATCH_ORIGIN)
                                                  : ::malloc_type_realloc(payload, size, type);
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
    X(malloc_type_free)                                                                            \
    X(malloc_type_zone_realloc)                                                                    \
    X(malloc_type_zone_free)

#define SCRATCH_TUPLE(name) SCRATCH_INTERPOSE(interposed::name, ::name),
SCRATCH_INTERPOSITIONS(interposed_types) = {SCRATCH_INTERPOSED(SCRATCH_TUPLE)};
