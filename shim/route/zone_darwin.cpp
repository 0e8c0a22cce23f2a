#include "shim/route/zone_darwin.hpp"

#include "core/pages.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/next/next.hpp"
#include "shim/route/malloc_family.hpp"

namespace scratch::shim {

namespace {

// Called by the library for each pointer of each program that it does not know at once, whatever it
// is: nothing before the range check reads memory.
std::size_t zone_size(malloc_zone_t *, const void *payload) {
    return size_in_scratch_zone(payload);
}

boolean_t zone_claims(malloc_zone_t *, void *address) { return is_ours(address) ? 1 : 0; }

// Nobody is told to allocate here; who does so anyway gets blocks of the system's.
void *zone_malloc(malloc_zone_t *, std::size_t size) { return next.malloc(size); }
void *zone_calloc(malloc_zone_t *, std::size_t count, std::size_t size) {
    return next.calloc(count, size);
}
void *zone_valloc(malloc_zone_t *, std::size_t size) {
    return next.memalign(pages::page_size(), size);
}
void *zone_memalign(malloc_zone_t *, std::size_t alignment, std::size_t size) {
    return next.memalign(alignment, size);
}
unsigned zone_batch_malloc(malloc_zone_t *, std::size_t, void **, unsigned) { return 0; }

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
std::size_t zone_pressure_relief(malloc_zone_t *, std::size_t) { return 0; }

kern_return_t tell_no_blocks(task_t, void *, unsigned, vm_address_t, memory_reader_t,
                             vm_range_recorder_t) {
    return KERN_SUCCESS;
}
std::size_t good_size(malloc_zone_t *, std::size_t size) { return ::malloc_good_size(size); }
boolean_t is_sound(malloc_zone_t *) { return 1; }
void print_nothing(malloc_zone_t *, boolean_t) {}
void log_nothing(malloc_zone_t *, void *) {}
void tell_no_statistics(malloc_zone_t *, malloc_statistics_t *told) { *told = {}; }
// There is no lock. From version 9 on a child of fork calls the last of them.
void lock_nothing(malloc_zone_t *) {}
boolean_t is_locked(malloc_zone_t *) { return 0; }

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

void register_scratch_zone() noexcept { ::malloc_zone_register(&zone); }

malloc_zone_t *scratch_zone() noexcept { return &zone; }

std::size_t size_in_scratch_zone(const void *payload) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(payload);
    if (!is_ours(payload) || address % sizeof(block) != 0) return 0;
    if (address % chunk_size < sizeof(chunk) + sizeof(block)) return 0;
    void *const ours = const_cast<void *>(payload);
    return is_live(block_of(ours)->state) ? usable_size(ours) : 0;
}

} // namespace scratch::shim
