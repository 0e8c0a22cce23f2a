// Malloc zones, as macOS has them: each block is of the zone whose `size` knows it.
#pragma once

#include <cstddef>

namespace darwin {

struct malloc_zone {
    void *reserved_1;
    void *reserved_2;
    std::size_t (*size)(malloc_zone *zone, const void *block);
    void *(*malloc)(malloc_zone *zone, std::size_t size);
    void *(*calloc)(malloc_zone *zone, std::size_t count, std::size_t size);
    void *(*valloc)(malloc_zone *zone, std::size_t size);
    void (*free)(malloc_zone *zone, void *block);
    void *(*realloc)(malloc_zone *zone, void *block, std::size_t size);
    void (*destroy)(malloc_zone *zone);
    const char *name;
    unsigned (*batch_malloc)(malloc_zone *zone, std::size_t size, void **results, unsigned count);
    void (*batch_free)(malloc_zone *zone, void **blocks, unsigned count);
    void *introspection;
    unsigned version;
    void *(*memalign)(malloc_zone *zone, std::size_t alignment,
                      std::size_t size); // from version 5 on
    void (*free_definite_size)(malloc_zone *zone, void *block,
                               std::size_t size); // from version 6 on
    std::size_t (*pressure_relief)(malloc_zone *zone, std::size_t goal);
    int (*claimed_address)(malloc_zone *zone, void *address);
};

namespace zones {

/// Over the host's malloc.
malloc_zone *of_host();
/// A zone of one's own, which is the host's under another address.
malloc_zone *create();

/// The zone that serves malloc.
malloc_zone *first();
/// Whose block this is; null where it is nobody's.
malloc_zone *owner_of(const void *block, std::size_t *size = nullptr);

void add(malloc_zone *zone);
void remove(malloc_zone *zone);
std::size_t count();
malloc_zone **list();

} // namespace zones
} // namespace darwin
