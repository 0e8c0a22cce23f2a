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

// What the library does, without its count of those that look through all zones, which threads
// share: it asks the first zone alone without that, and the first is ours.
void free_elsewhere(void *payload) {
    if (system_zone != nullptr && system_zone->size(system_zone, payload) != 0)
        ::malloc_zone_free(system_zone, payload);
    else
        ::free(payload);
}

std::size_t usable_size(void *payload) { return ::malloc_size(payload); }

} // namespace

constinit next_allocator next = {
    ::malloc,        free_elsewhere, ::calloc, ::realloc, memalign, ::posix_memalign,
    ::aligned_alloc, usable_size,    ::strdup, ::strndup, ::wcsdup,
};

void resolve_next() noexcept {}

void *find_next(const char *name) noexcept { return dlsym(RTLD_NEXT, name); }

void *find_definition_for_program(const char *name) noexcept { return dlsym(RTLD_DEFAULT, name); }

} // namespace scratch::shim
