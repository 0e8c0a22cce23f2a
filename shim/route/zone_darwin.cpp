#include "shim/route/zone_darwin.hpp"

#include <mach/mach_init.h>

#include "shim/heap/thread_heap.hpp"
#include "shim/next/system_zone_darwin.hpp"
#include "shim/route/malloc_family.hpp"

namespace scratch::shim {

namespace {

// Called by the library for each pointer of each program that it does not know at once, whatever it
// is: nothing before the range check reads memory.
std::size_t zone_size(malloc_zone_t *, const void *payload) {
    return size_in_scratch_zone(payload);
}

// As the library itself: a zone that cannot tell may have it.
boolean_t system_claims(void *address) {
    const bool tells = system_zone->version >= 10 && system_zone->claimed_address != nullptr;
    return tells ? system_zone->claimed_address(system_zone, address) : 1;
}
// Of what lies in either: the default zone stands for both.
boolean_t zone_claims(malloc_zone_t *, void *address) {
    return is_ours(address) ? 1 : system_claims(address);
}

// The plain names would come here again.
void *zone_malloc(malloc_zone_t *, std::size_t size) {
    return system_zone->malloc(system_zone, size);
}
void *zone_calloc(malloc_zone_t *, std::size_t count, std::size_t size) {
    return system_zone->calloc(system_zone, count, size);
}
void *zone_valloc(malloc_zone_t *, std::size_t size) {
    return system_zone->valloc(system_zone, size);
}
void *zone_memalign(malloc_zone_t *, std::size_t alignment, std::size_t size) {
    // All that there are since macOS 10.6 have it.
    return system_zone->memalign(system_zone, alignment, size);
}
unsigned zone_batch_malloc(malloc_zone_t *, std::size_t size, void **blocks, unsigned count) {
    return system_zone->batch_malloc == nullptr
               ? 0
               : system_zone->batch_malloc(system_zone, size, blocks, count);
}

void zone_free(malloc_zone_t *, void *payload) { free_any(payload); }
void zone_free_definite_size(malloc_zone_t *, void *payload, std::size_t) { free_any(payload); }
void zone_batch_free(malloc_zone_t *, void **payloads, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
        free_any(payloads[i]);
}
void *zone_realloc(malloc_zone_t *, void *payload, std::size_t size) {
    return reallocate(payload, size, SCRATCH_ORIGIN);
}
// It is the process's, and stays.
void zone_destroy(malloc_zone_t *) {}
std::size_t zone_pressure_relief(malloc_zone_t *, std::size_t goal) {
    const bool can = system_zone->version >= 8 && system_zone->pressure_relief != nullptr;
    return can ? system_zone->pressure_relief(system_zone, goal) : 0;
}

kern_return_t tell_no_blocks(task_t, void *, unsigned, vm_address_t, memory_reader_t,
                             vm_range_recorder_t) {
    return KERN_SUCCESS;
}
std::size_t good_size(malloc_zone_t *, std::size_t size) {
    return system_zone->introspect->good_size(system_zone, size);
}
boolean_t is_sound(malloc_zone_t *) { return 1; }
void print_nothing(malloc_zone_t *, boolean_t) {}
void log_nothing(malloc_zone_t *, void *) {}
// Who adds up all zones has the system's already.
void tell_no_statistics(malloc_zone_t *, malloc_statistics_t *told) { *told = {}; }
// There is no lock. From version 9 on a child of fork calls the last of them.
void lock_nothing(malloc_zone_t *) {}
boolean_t is_locked(malloc_zone_t *) { return 0; }

// Null where the library tells of none.
malloc_zone_t *first_zone() noexcept {
    vm_address_t *zones = nullptr;
    unsigned count = 0;
    if (::malloc_get_all_zones(mach_task_self(), nullptr, &zones, &count) != KERN_SUCCESS ||
        count == 0)
        return nullptr;
    return reinterpret_cast<malloc_zone_t *>(zones[0]);
}

// More zones than any program has when it starts.
constexpr unsigned most_turns = 32;

constinit malloc_introspection_t introspection = {
    .enumerator = tell_no_blocks,
    .good_size = good_size,
    .check = is_sound,
    .print = print_nothing,
    .log = log_nothing,
    .force_lock = lock_nothing,
    .force_unlock = lock_nothing,
    .statistics = tell_no_statistics,
    .zone_locked = is_locked,
    .reinit_lock = lock_nothing,
};

constinit malloc_zone_t zone = {
    .size = zone_size,
    .malloc = zone_malloc,
    .calloc = zone_calloc,
    .valloc = zone_valloc,
    .free = zone_free,
    .realloc = zone_realloc,
    .destroy = zone_destroy,
    .zone_name = "scratch",
    .batch_malloc = zone_batch_malloc,
    .batch_free = zone_batch_free,
    .introspect = &introspection,
    .version = 10,
    .memalign = zone_memalign,
    .free_definite_size = zone_free_definite_size,
    .pressure_relief = zone_pressure_relief,
    .claimed_address = zone_claims,
};

} // namespace

void register_scratch_zone() noexcept {
    // The purgeable zone is made when it is first asked for, and takes the first zone for one of
    // the system's own kind then.
    malloc_zone_t *const purgeable = ::malloc_default_purgeable_zone();
    system_zone = first_zone();
    ::malloc_zone_register(&zone);
    // Who is taken out leaves its place to the last one, and comes back as the last: the other
    // allocators for macOS have relied on that for long. Between the two nobody knows its blocks,
    // but no other thread runs yet.
    for (unsigned turn = 0; turn < most_turns && first_zone() != &zone; ++turn) {
        malloc_zone_t *const first = first_zone();
        ::malloc_zone_unregister(first);
        ::malloc_zone_register(first);
        // Behind the one that it takes small blocks from, and would take for its own.
        ::malloc_zone_unregister(purgeable);
        ::malloc_zone_register(purgeable);
    }
}

malloc_zone_t *scratch_zone() noexcept { return &zone; }

std::size_t size_in_scratch_zone(const void *payload) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(payload);
    if (!is_ours(payload) || address % sizeof(block) != 0) return 0;
    if (address % chunk_size < sizeof(chunk) + sizeof(block)) return 0;
    void *const ours = const_cast<void *>(payload);
    return is_live(block_of(ours)->state) ? usable_size(ours) : 0;
}

} // namespace scratch::shim
