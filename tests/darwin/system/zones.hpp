// Malloc zones, as macOS has them: each block is of the zone whose `size` knows it.
#pragma once

#include <cstddef>

namespace darwin {

struct malloc_zone;

struct malloc_introspection {
    void *enumerator;
    std::size_t (*good_size)(malloc_zone *zone, std::size_t size);
    int (*check)(malloc_zone *zone);
    void *print;
    void *log;
    void (*force_lock)(malloc_zone *zone);
    void (*force_unlock)(malloc_zone *zone);
    void (*statistics)(malloc_zone *zone, struct malloc_statistics *told);
    int (*is_locked)(malloc_zone *zone);    // from version 3 on
    void *discharges[4];                    // from version 7 on
    void (*reinit_lock)(malloc_zone *zone); // from version 9 on
};

struct malloc_statistics {
    unsigned blocks_in_use;
    std::size_t size_in_use;
    std::size_t max_size_in_use;
    std::size_t size_allocated;
};

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
    malloc_introspection *introspection;
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
/// Ends the program, as the library does for a block that nobody knows, or the wrong zone.
[[noreturn]] void stop_for(const void *block, const char *what);

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

/// Around fork, in the process that calls it and in the new one.
void before_fork();
void after_fork_in_parent();
void after_fork_in_child();

} // namespace zones
} // namespace darwin
