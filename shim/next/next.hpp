// The next allocator: libc's, or one that is chained behind the shim. Found once, with RTLD_NEXT.
#pragma once

#include <cstddef>
#include <new>

#include "shim/next/loader.hpp"

namespace scratch::shim {

// One line per C function that is passed on: name, result, parameters. Only what every libc we run
// on has: a dlsym that fails leaves a message behind, which the program's next dlerror would find.
// What may be missing (cfree, free_sized, free_aligned_sized, reallocarray) is served over these.
#define SCRATCH_NEXT_FUNCTIONS(X)                                                                  \
    X(malloc, void *, (std::size_t))                                                               \
    X(free, void, (void *))                                                                        \
    X(calloc, void *, (std::size_t, std::size_t))                                                  \
    X(realloc, void *, (void *, std::size_t))                                                      \
    X(memalign, void *, (std::size_t, std::size_t))                                                \
    X(posix_memalign, int, (void **, std::size_t, std::size_t))                                    \
    X(aligned_alloc, void *, (std::size_t, std::size_t))                                           \
    X(malloc_usable_size, std::size_t, (void *))                                                   \
    X(strdup, char *, (const char *))                                                              \
    X(strndup, char *, (const char *, std::size_t))                                                \
    X(wcsdup, wchar_t *, (const wchar_t *))

struct next_allocator {
#define SCRATCH_MEMBER(name, result, parameters) result(*name) parameters;
    SCRATCH_NEXT_FUNCTIONS(SCRATCH_MEMBER)
#undef SCRATCH_MEMBER
};

// Before start each member is a function that starts the shim and calls again, so no caller checks.
extern next_allocator next __attribute__((visibility("hidden")));

// Fills `next`. Calls that come while this thread resolves are served from a static buffer.
void resolve_next() noexcept;

} // namespace scratch::shim
