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

constexpr int darwin_no_memory = ENOMEM;
constexpr int darwin_invalid = EINVAL;

void *with_error(void *block) {
    if (block == nullptr) errno = ENOMEM;
    return block;
}

using zones::stop_for;

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
    const int saved = errno;
    void *const block = memalign_of(zones::first(), alignment, size);
    errno = saved;
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
        // A new block of the smallest size; then the old one is gone.
        void *const smallest = malloc_of_first(0);
        if (smallest != nullptr) free_of_owner(block);
        return smallest;
    }
    return with_error(zone->realloc(zone, block, size));
}

void *reallocf_of_owner(void *block, std::size_t size) {
    void *const moved = realloc_of_owner(block, size);
    if (moved == nullptr && size != 0) free_of_owner(block);
    return moved;
}

std::size_t size_of(const void *block) {
    std::size_t size = 0;
    return block != nullptr && zones::owner_of(block, &size) != nullptr ? size : 0;
}

std::size_t good_size(std::size_t size) {
    malloc_zone *const zone = zones::first();
    return zone->introspection->good_size(zone, size);
}

// The zone that programs get when they ask for the default one stands for whichever is first, which
// is asked without a look at whose block it is.
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
        made->free = [](malloc_zone *, void *block) {
            zones::first()->free(zones::first(), block);
        };
        made->realloc = [](malloc_zone *, void *block, std::size_t size) {
            return zones::first()->realloc(zones::first(), block, size);
        };
        made->memalign = [](malloc_zone *, std::size_t alignment, std::size_t size) {
            return memalign_of(zones::first(), alignment, size);
        };
        made->free_definite_size = [](malloc_zone *, void *block, std::size_t size) {
            zones::first()->free_definite_size(zones::first(), block, size);
        };
        made->batch_malloc = [](malloc_zone *, std::size_t size, void **results, unsigned count) {
            malloc_zone *const first = zones::first();
            return first->batch_malloc(first, size, results, count);
        };
        made->batch_free = [](malloc_zone *, void **list, unsigned count) {
            zones::first()->batch_free(zones::first(), list, count);
        };
        made->claimed_address = [](malloc_zone *, void *address) {
            malloc_zone *const first = zones::first();
            return first->claimed_address(first, address);
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
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return nullptr;
    }
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

malloc_zone *zone_of(const void *block) {
    malloc_zone *const owner = zones::owner_of(block);
    const bool is_usual = owner == zones::of_host() && owner == zones::first();
    return is_usual ? default_zone() : owner;
}
// Made when it is first asked for, and one of all.
malloc_zone *purgeable_zone() {
    static malloc_zone *const zone = zones::create();
    return zone;
}
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

// Of one zone, or of all where none is named.
template <typename Visit>
void visit_zones(malloc_zone *named, const Visit &visit) {
    if (named != nullptr) return visit(named == default_zone() ? zones::first() : named);
    for (std::size_t index = 0; index < zones::count(); ++index)
        visit(zones::list()[index]);
}

int check_zone(malloc_zone *named) {
    int sound = 1;
    visit_zones(named, [&](malloc_zone *zone) { sound &= zone->introspection->check(zone); });
    return sound;
}

int claimed_by(malloc_zone *zone, void *address) {
    const bool tells = zone->version >= 10 && zone->claimed_address != nullptr;
    return tells ? zone->claimed_address(zone, address) : 1;
}

void statistics_of(malloc_zone *named, malloc_statistics *told) {
    *told = {};
    visit_zones(named, [&](malloc_zone *zone) {
        malloc_statistics of_one{};
        zone->introspection->statistics(zone, &of_one);
        told->blocks_in_use += of_one.blocks_in_use;
        told->size_in_use += of_one.size_in_use;
        told->max_size_in_use += of_one.max_size_in_use;
        told->size_allocated += of_one.size_allocated;
    });
}

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
        function("malloc_default_purgeable_zone", purgeable_zone),
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
        function("malloc_zone_claimed_address", claimed_by),
        function("malloc_zone_statistics", statistics_of),
    };
    return names;
}

} // namespace system
} // namespace darwin
