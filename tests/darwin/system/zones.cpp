#include "zones.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <sys/mman.h>

namespace darwin::zones {
namespace {

/// Which addresses the host's malloc has handed out: a bit for every 16 bytes of a process's
/// addresses. Most of its memory is never touched. No lock, so children of fork and signal handlers
/// find it whole.
class block_map {
public:
    void add(const void *block) {
        word_of(block).fetch_or(bit_of(block), std::memory_order_relaxed);
    }
    void remove(const void *block) {
        word_of(block).fetch_and(~bit_of(block), std::memory_order_relaxed);
    }
    bool has(const void *block) const {
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        return address < end_of_addresses && address % 16 == 0 &&
               (word_of(block).load(std::memory_order_relaxed) & bit_of(block)) != 0;
    }

private:
    static constexpr std::uintptr_t end_of_addresses = std::uintptr_t{1} << 47;

    static std::atomic<std::uint64_t> *make() {
        void *const memory = mmap(nullptr, end_of_addresses / 16 / 8, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            fputs("dyld_on_linux: no addresses for the map of blocks (a limit on them?)\n", stderr);
            abort();
        }
        return static_cast<std::atomic<std::uint64_t> *>(memory);
    }
    static std::atomic<std::uint64_t> &word_of(const void *block) {
        static std::atomic<std::uint64_t> *const words = make();
        return words[reinterpret_cast<std::uintptr_t>(block) / 16 / 64];
    }
    static std::uint64_t bit_of(const void *block) {
        return std::uint64_t{1} << (reinterpret_cast<std::uintptr_t>(block) / 16 % 64);
    }
};

block_map blocks;

void *noted(void *block) {
    if (block != nullptr) blocks.add(block);
    return block;
}

std::size_t host_size(malloc_zone *, const void *block) {
    return blocks.has(block) ? malloc_usable_size(const_cast<void *>(block)) : 0;
}

void *host_malloc(malloc_zone *, std::size_t size) { return noted(malloc(size)); }
void *host_calloc(malloc_zone *, std::size_t count, std::size_t size) {
    return noted(calloc(count, size));
}
void *host_valloc(malloc_zone *, std::size_t size) { return noted(valloc(size)); }
void *host_memalign(malloc_zone *, std::size_t alignment, std::size_t size) {
    return noted(memalign(alignment, size));
}

// A zone does not ask whose block it is: what is not its own ends the program.
void host_free(malloc_zone *, void *block) {
    if (block == nullptr) return;
    if (!blocks.has(block)) stop_for(block, "pointer being freed was not allocated");
    blocks.remove(block);
    free(block);
}

void *host_realloc(malloc_zone *, void *block, std::size_t size) {
    if (block != nullptr && !blocks.has(block))
        stop_for(block, "pointer being realloc'd was not allocated");
    // Never free, as C's would for 0.
    const std::size_t wanted = size == 0 ? 1 : size;
    if (block != nullptr) blocks.remove(block);
    void *const moved = realloc(block, wanted);
    if (moved == nullptr && block != nullptr) blocks.add(block);
    return noted(moved);
}

void host_free_definite(malloc_zone *zone, void *block, std::size_t) { host_free(zone, block); }

unsigned host_batch_malloc(malloc_zone *zone, std::size_t size, void **results, unsigned count) {
    unsigned made = 0;
    while (made < count && (results[made] = host_malloc(zone, size)) != nullptr)
        ++made;
    return made;
}

void host_batch_free(malloc_zone *zone, void **list, unsigned count) {
    for (unsigned index = 0; index < count; ++index)
        host_free(zone, list[index]);
}

void host_destroy(malloc_zone *) {}
std::size_t host_relief(malloc_zone *, std::size_t) { return 0; }
int host_claims(malloc_zone *, void *address) { return blocks.has(address) ? 1 : 0; }

constexpr std::size_t page = 4096;

std::size_t host_good_size(malloc_zone *, std::size_t size) {
    const std::size_t step = size < 1024 ? 16 : size < 32 * 1024 ? 512 : page;
    return size > SIZE_MAX - step ? size : size == 0 ? step : (size + step - 1) / step * step;
}
int host_check(malloc_zone *) { return 1; }
void host_lock(malloc_zone *) {}
// Of all of the host's malloc, which nobody here divides.
void host_statistics(malloc_zone *, malloc_statistics *told) {
    const auto now = mallinfo2();
    const std::size_t used = now.uordblks + now.hblkhd;
    *told = {1, used, used, now.arena + now.hblkhd};
}
int host_is_locked(malloc_zone *) { return 0; }

malloc_introspection of_host_zones = {
    nullptr,   host_good_size,  host_check,     nullptr, nullptr,  host_lock,
    host_lock, host_statistics, host_is_locked, {},      host_lock};

malloc_zone host_zone(const char *name) {
    return {nullptr,        nullptr,     host_size,         host_malloc,
            host_calloc,    host_valloc, host_free,         host_realloc,
            host_destroy,   name,        host_batch_malloc, host_batch_free,
            &of_host_zones, 10,          host_memalign,     host_free_definite,
            host_relief,    host_claims};
}

constexpr std::size_t most_zones = 64;
malloc_zone *registered[most_zones] = {};
std::atomic<std::size_t> registered_count{0};
std::atomic_flag changing = ATOMIC_FLAG_INIT;

class change {
public:
    change() {
        while (changing.test_and_set(std::memory_order_acquire)) {
        }
    }
    ~change() { changing.clear(std::memory_order_release); }
};

// Those that have it, from the version that says so.
void each_locks(void (*malloc_introspection::*what)(malloc_zone *)) {
    for (std::size_t index = 0; index < count(); ++index)
        (registered[index]->introspection->*what)(registered[index]);
}

} // namespace

void stop_for(const void *block, const char *what) {
    fprintf(stderr, "malloc: *** error for object %p: %s\n", block, what);
    abort();
}

void before_fork() { each_locks(&malloc_introspection::force_lock); }
void after_fork_in_parent() { each_locks(&malloc_introspection::force_unlock); }
void after_fork_in_child() {
    for (std::size_t index = 0; index < count(); ++index) {
        malloc_zone *const zone = registered[index];
        const malloc_introspection &has = *zone->introspection;
        (zone->version >= 9 ? has.reinit_lock : has.force_unlock)(zone);
    }
}

malloc_zone *of_host() {
    static malloc_zone zone = host_zone("DefaultMallocZone");
    return &zone;
}

malloc_zone *create() {
    auto *const zone = new malloc_zone(host_zone(nullptr));
    // Its blocks are found by the first zone: they are the host's all of them.
    zone->size = [](malloc_zone *, const void *) -> std::size_t { return 0; };
    static malloc_introspection introspection = [] {
        malloc_introspection made = of_host_zones;
        made.statistics = [](malloc_zone *, malloc_statistics *told) { *told = {}; };
        return made;
    }();
    zone->introspection = &introspection;
    add(zone);
    return zone;
}

std::size_t count() {
    if (registered_count.load(std::memory_order_acquire) == 0) {
        const change now;
        if (registered_count.load(std::memory_order_relaxed) == 0) {
            registered[0] = of_host();
            registered_count.store(1, std::memory_order_release);
        }
    }
    return registered_count.load(std::memory_order_acquire);
}

malloc_zone **list() { return count() == 0 ? nullptr : registered; }
malloc_zone *first() { return list()[0]; }

malloc_zone *owner_of(const void *block, std::size_t *size) {
    const std::size_t known = count();
    for (std::size_t index = 0; index < known; ++index) {
        malloc_zone *const zone = registered[index];
        const std::size_t found = zone->size(zone, block);
        if (size != nullptr) *size = found;
        if (found != 0) return zone;
    }
    return nullptr;
}

void add(malloc_zone *zone) {
    const std::size_t known = count();
    const change now;
    for (std::size_t index = 0; index < known; ++index)
        if (registered[index] == zone) return;
    if (known == most_zones) abort();
    registered[known] = zone;
    registered_count.store(known + 1, std::memory_order_release);
}

void remove(malloc_zone *zone) {
    const std::size_t known = count();
    const change now;
    for (std::size_t index = 0; index < known; ++index) {
        if (registered[index] != zone) continue;
        // The last one takes its place, as on macOS: who wants to be the first one relies on that.
        registered[index] = registered[known - 1];
        registered_count.store(known - 1, std::memory_order_release);
        return;
    }
}

} // namespace darwin::zones
