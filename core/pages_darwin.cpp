#include "core/pages.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>

#include <mach/vm_statistics.h>
#include <pthread.h>
#include <sys/mman.h>

#include "core/kept_errno.hpp"
#include "core/pages_map.hpp"

namespace scratch::pages {
namespace {

// Pages that read as zero in a child of fork. The kernel can leave pages out of a child and cannot
// clear them (VM_INHERIT_*); so the library clears them in the child, and nobody does in a child of
// vfork. The handler takes no lock. It stays registered: objects with thread-local variables are
// not unloaded here.
struct wiped_range {
    void *address;
    std::size_t size;
};
constexpr std::size_t most_wiped = 8;
constinit wiped_range wiped[most_wiped] = {};
constinit std::atomic<std::size_t> wiped_taken{0};
constinit std::atomic<bool> wiped_ready[most_wiped] = {};
constinit std::atomic<bool> handler_registered{false};

void wipe_in_child() noexcept {
    for (std::size_t index = 0; index < most_wiped; ++index) {
        if (wiped_ready[index].load(std::memory_order_acquire))
            std::memset(wiped[index].address, 0, wiped[index].size);
    }
}

// Once only, but for threads that race: to wipe twice does no harm.
bool register_handler() noexcept {
    if (handler_registered.load(std::memory_order_acquire)) return true;
    if (pthread_atfork(nullptr, nullptr, wipe_in_child) != 0) return false;
    handler_registered.store(true, std::memory_order_release);
    return true;
}

} // namespace

void *map(void *address, std::size_t size, int protection, int flags) noexcept {
    // Stands in the place of the file: what vmmap and heap call these ranges.
    constexpr int tag = VM_MAKE_TAG(VM_MEMORY_APPLICATION_SPECIFIC_1);
    return mmap(address, size, protection, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE | flags, tag, 0);
}

bool reserve_at(void *address, std::size_t size) noexcept {
    // An address without MAP_FIXED is a wish: where something is there, another one is given.
    void *const mapped = map(address, size, PROT_NONE, 0);
    if (mapped == address) return true;
    if (mapped != MAP_FAILED) {
        munmap(mapped, size);
        errno = EEXIST;
    }
    return false;
}

bool decommit(void *address, std::size_t size) noexcept {
    // Fresh pages in the place of the old ones, in one step. MADV_FREE_REUSABLE leaves the old
    // contents until the system is short of memory, and nobody could call them zero.
    const kept_errno keep;
    return map(address, size, PROT_READ | PROT_WRITE, MAP_FIXED) != MAP_FAILED;
}

// The system has large pages for x86 only, and only where they are asked for when addresses are
// taken; and nothing that puts memory behind addresses ahead of their use.
bool advise_huge(void *, std::size_t) noexcept { return false; }
bool populate(void *, std::size_t) noexcept { return false; }

bool wipe_on_fork(void *address, std::size_t size) noexcept {
    if (!register_handler()) return false;
    const std::size_t index = wiped_taken.fetch_add(1, std::memory_order_relaxed);
    if (index >= most_wiped) return false;
    wiped[index] = {address, size};
    wiped_ready[index].store(true, std::memory_order_release);
    return true;
}

} // namespace scratch::pages
