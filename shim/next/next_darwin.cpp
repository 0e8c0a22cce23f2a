// libSystem's allocator. The loader sends no call of an object to the definitions with which the
// object itself interposes, so that the plain names are the next ones, from the first call on.
#include "shim/next/next.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <dlfcn.h>
#include <malloc/malloc.h>

#include "shim/next/system_zone_darwin.hpp"

namespace scratch::shim {

constinit malloc_zone_t *system_zone = nullptr;

namespace {

// The system has none by this name.
void *memalign(std::size_t alignment, std::size_t size) {
    void *made = nullptr;
    const int saved_errno = errno;
    const std::size_t least = sizeof(void *);
    const int error = ::posix_memalign(&made, alignment < least ? least : alignment, size);
    errno = error != 0 ? error : saved_errno;
    return made;
}

// For a block that is there already the library asks the first zone, which is ours, and then the
// others, whom it counts that it looks at, in a word that all threads share. So the zone that has
// nearly all of them is asked here.
std::size_t size_in_system_zone(const void *payload) {
    return system_zone != nullptr && payload != nullptr ? system_zone->size(system_zone, payload)
                                                        : 0;
}

void free_elsewhere(void *payload) {
    if (size_in_system_zone(payload) != 0)
        ::malloc_zone_free(system_zone, payload);
    else
        ::free(payload);
}

void *reallocate_elsewhere(void *payload, std::size_t size) {
    // The library makes a new block where the size is 0.
    if (size == 0 || size_in_system_zone(payload) == 0) return ::realloc(payload, size);
    void *const moved = ::malloc_zone_realloc(system_zone, payload, size);
    if (moved == nullptr) errno = ENOMEM;
    return moved;
}

std::size_t usable_size(void *payload) {
    const std::size_t size = size_in_system_zone(payload);
    return size != 0 ? size : ::malloc_size(payload);
}

} // namespace

constinit next_allocator next = {
    ::malloc, free_elsewhere,   ::calloc,        reallocate_elsewhere,
    memalign, ::posix_memalign, ::aligned_alloc, usable_size,
    ::strdup, ::strndup,        ::wcsdup,
};

void resolve_next() noexcept {}

void *find_next(const char *name) noexcept { return dlsym(RTLD_NEXT, name); }

void *find_definition_for_program(const char *name) noexcept { return dlsym(RTLD_DEFAULT, name); }

} // namespace scratch::shim
