// The malloc family: the first zone's memory, given back to the zone that knows the block.
#include "allocation.hpp"

#include "loader/process.hpp"
#include "names.hpp"
#include "zones.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace darwin {
namespace {

constexpr std::size_t page = 4096;
constexpr int darwin_no_memory = ENOMEM;
constexpr int darwin_invalid = EINVAL;

void *with_error(void *block) {
    if (block == nullptr) errno = ENOMEM;
    return block;
}

[[noreturn]] void stop_for(const void *block, const char *what) {
    fprintf(stderr, "malloc: *** error for object %p: %s\n", block, what);
    abort();
}

void *malloc_of_first(std::size_t size) {
    malloc_zone *const zone = zones::first();
    return with_error(zone->malloc(zone, size));
}

void *calloc_of_first(std::size_t count, std::size_t size) {
    malloc_zone *const zone = zones::first();
    return with_error(zone->calloc(zone, count, size));
}

void *valloc_of_first(std::size_t size) {
    malloc_zone *const zone = zones::first();
    return with_error(zone->valloc(zone, size));
}

void *memalign_of(malloc_zone *zone, std::size_t alignment, std::size_t size) {
    return zone->version >= 5 && zone->memalign != nullptr ? zone->memalign(zone, alignment, size)
                                                           : nullptr;
}

int posix_memalign_of_first(void **result, std::size_t alignment, std::size_t size) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return darwin_invalid;
    void *const block = memalign_of(zones::first(), alignment, size);
    if (block == nullptr) return darwin_no_memory;
    *result = block;
    return 0;
}

void *aligned_alloc_of_first(std::size_t alignment, std::size_t size) {
    // macOS's is strict about both.
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0 || size % alignment != 0) {
        errno = EINVAL;
        return nullptr;
    }
    return with_error(memalign_of(zones::first(), alignment, size));
}

void free_of_owner(void *block) {
    if (block == nullptr) return;
    const int saved = errno;
    malloc_zone *const zone = zones::owner_of(block);
    if (zone == nullptr) stop_for(block, "pointer being freed was not allocated");
    zone->free(zone, block);
    errno = saved;
}

void *realloc_of_owner(void *block, std::size_t size) {
    if (block == nullptr) return malloc_of_first(size);
    malloc_zone *const zone = zones::owner_of(block);
    if (zone == nullptr) stop_for(block, "pointer being realloc'd was not allocated");
    if (size == 0) {
        // A new block of the smallest size; the old one is gone.
        free_of_owner(block);
        return malloc_of_first(0);
    }
    return with_error(zone->realloc(zone, block, size));
}

void *reallocf_of_owner(void *block, std::size_t size) {
    void *const moved = realloc_of_owner(block, size);
    if (moved == nullptr) free_of_owner(block);
    return moved;
}

std::size_t size_of(const void *block) {
    std::size_t size = 0;
    return block != nullptr && zones::owner_of(block, &size) != nullptr ? size : 0;
}

std::size_t good_size(std::size_t size) {
    const std::size_t step = size < 1024 ? 16 : size < 32 * 1024 ? 512 : page;
    return size > SIZE_MAX - step ? size : size == 0 ? step : (size + step - 1) / step * step;
}

// The zone that programs get when they ask for the default one stands for whichever is first.
malloc_zone *default_zone() {
    static malloc_zone *const zone = [] {
        auto *const made = new malloc_zone(*zones::of_host());
        made->size = [](malloc_zone *, const void *block) {
            return zones::first()->size(zones::first(), block);
        };
        made->malloc = [](malloc_zone *, std::size_t size) { return malloc_of_first(size); };
        made->calloc = [](malloc_zone *, std::size_t count, std::size_t size) {
            return calloc_of_first(count, size);
        };
        made->valloc = [](malloc_zone *, std::size_t size) { return valloc_of_first(size); };
        made->free = [](malloc_zone *, void *block) { free_of_owner(block); };
        made->realloc = [](malloc_zone *, void *block, std::size_t size) {
            return realloc_of_owner(block, size);
        };
        made->memalign = [](malloc_zone *, std::size_t alignment, std::size_t size) {
            return memalign_of(zones::first(), alignment, size);
        };
        made->free_definite_size = [](malloc_zone *, void *block, std::size_t) {
            free_of_owner(block);
        };
        return made;
    }();
    return zone;
}

void *zone_malloc(malloc_zone *zone, std::size_t size) {
    return with_error(zone->malloc(zone, size));
}
void *zone_calloc(malloc_zone *zone, std::size_t count, std::size_t size) {
    return with_error(zone->calloc(zone, count, size));
}
void *zone_valloc(malloc_zone *zone, std::size_t size) {
    return with_error(zone->valloc(zone, size));
}
void *zone_memalign(malloc_zone *zone, std::size_t alignment, std::size_t size) {
    return with_error(memalign_of(zone, alignment, size));
}
void zone_free(malloc_zone *zone, void *block) { zone->free(zone, block); }
void *zone_realloc(malloc_zone *zone, void *block, std::size_t size) {
    return with_error(zone->realloc(zone, block, size));
}

unsigned zone_batch_malloc(malloc_zone *zone, std::size_t size, void **results, unsigned count) {
    return zone->batch_malloc == nullptr ? 0 : zone->batch_malloc(zone, size, results, count);
}

void zone_batch_free(malloc_zone *zone, void **blocks, unsigned count) {
    for (unsigned index = 0; index < count; ++index)
        zone->free(zone, blocks[index]);
}

malloc_zone *zone_of(const void *block) { return zones::owner_of(block); }
malloc_zone *create_zone(std::size_t, unsigned) { return zones::create(); }

void destroy_zone(malloc_zone *zone) {
    zones::remove(zone);
    zone->destroy(zone);
}

void set_name(malloc_zone *zone, const char *name) { zone->name = strdup(name); }
const char *name_of(malloc_zone *zone) { return zone->name; }

int all_zones(unsigned, void *, malloc_zone ***list, unsigned *count) {
    *list = zones::list();
    *count = static_cast<unsigned>(zones::count());
    return 0;
}

std::size_t relieve(malloc_zone *, std::size_t) { return 0; }
int check_zone(malloc_zone *) { return 1; }

} // namespace

namespace allocation {
namespace {

template <typename Function>
Function *interposed(Function *address) {
    return reinterpret_cast<Function *>(
        process::interposed_for_system(reinterpret_cast<void *>(address)));
}

} // namespace

void *interposed_malloc(std::size_t size) { return interposed(malloc_of_first)(size); }
void *interposed_aligned(std::size_t alignment, std::size_t size) {
    void *block = nullptr;
    return interposed(posix_memalign_of_first)(&block, alignment, size) == 0 ? block : nullptr;
}
void *interposed_realloc(void *block, std::size_t size) {
    return interposed(realloc_of_owner)(block, size);
}
void interposed_free(void *block) { interposed(free_of_owner)(block); }

} // namespace allocation

namespace system {

std::span<const entry> allocation_names() {
    static const entry names[] = {
        function("malloc", malloc_of_first),
        function("calloc", calloc_of_first),
        function("valloc", valloc_of_first),
        function("posix_memalign", posix_memalign_of_first),
        function("aligned_alloc", aligned_alloc_of_first),
        function("free", free_of_owner),
        function("vfree", free_of_owner),
        function("realloc", realloc_of_owner),
        function("reallocf", reallocf_of_owner),
        function("malloc_size", size_of),
        function("malloc_good_size", good_size),
        function("malloc_default_zone", default_zone),
        function("malloc_default_purgeable_zone", default_zone),
        function("malloc_create_zone", create_zone),
        function("malloc_destroy_zone", destroy_zone),
        function("malloc_zone_malloc", zone_malloc),
        function("malloc_zone_calloc", zone_calloc),
        function("malloc_zone_valloc", zone_valloc),
        function("malloc_zone_memalign", zone_memalign),
        function("malloc_zone_free", zone_free),
        function("malloc_zone_realloc", zone_realloc),
        function("malloc_zone_from_ptr", zone_of),
        function("malloc_zone_batch_malloc", zone_batch_malloc),
        function("malloc_zone_batch_free", zone_batch_free),
        function("malloc_zone_register", zones::add),
        function("malloc_zone_unregister", zones::remove),
        function("malloc_set_zone_name", set_name),
        function("malloc_get_zone_name", name_of),
        function("malloc_get_all_zones", all_zones),
        function("malloc_zone_pressure_relief", relieve),
        function("malloc_zone_check", check_zone),
    };
    return names;
}

} // namespace system
} // namespace darwin
