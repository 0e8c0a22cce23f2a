// The names of the malloc family that are in no standard, as glibc has them: where the system has
// others, these stand for them.
#pragma once

#ifdef __APPLE__
#include <cstddef>
#include <cstdlib>
#include <malloc/malloc.h>

inline std::size_t malloc_usable_size(const void *block) { return malloc_size(block); }
inline void *memalign(std::size_t alignment, std::size_t size) {
    void *block = nullptr;
    const std::size_t least = alignment < sizeof(void *) ? sizeof(void *) : alignment;
    return posix_memalign(&block, least, size) == 0 ? block : nullptr;
}
#else
#include <malloc.h>
#endif
