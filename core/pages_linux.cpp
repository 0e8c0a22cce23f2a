#include "core/pages.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

// Newer than the headers of some systems we build on; the kernel answers EINVAL where it is too
// old.
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace scratch::pages {
namespace {

constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

bool advise(void *address, std::size_t size, int advice) noexcept {
    const int saved = errno;
    if (madvise(address, size, advice) == 0) return true;
    errno = saved;
    return false;
}

} // namespace

std::size_t page_size() noexcept {
    static std::atomic<std::size_t> known{0};
    std::size_t size = known.load(std::memory_order_relaxed);
    if (size == 0) {
        size = getauxval(AT_PAGESZ);
        known.store(size, std::memory_order_relaxed);
    }
    return size;
}

std::size_t address_space_limit() noexcept {
    const int saved = errno;
    rlimit limit{};
    const bool known = getrlimit(RLIMIT_AS, &limit) == 0;
    errno = saved;
    return known && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : SIZE_MAX;
}

void *reserve(std::size_t size, std::size_t alignment) noexcept {
    const std::size_t page = page_size();
    const std::size_t slack = alignment > page ? alignment - page : 0;
    if (size == 0 || size > SIZE_MAX - slack) {
        errno = EINVAL;
        return nullptr;
    }
    void *const mapped = mmap(nullptr, size + slack, PROT_NONE, anonymous, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    // The kernel aligns to pages only: take more and cut both ends off.
    char *const first = static_cast<char *>(mapped);
    const std::size_t misplaced =
        slack == 0 ? 0 : reinterpret_cast<std::uintptr_t>(first) & (alignment - 1);
    const std::size_t head = misplaced == 0 ? 0 : alignment - misplaced;
    if (head != 0) release(first, head);
    if (slack != head) release(first + head + size, slack - head);
    return first + head;
}

bool reserve_at(void *address, std::size_t size) noexcept {
    void *mapped = mmap(address, size, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (mapped == address) return true;
    if (mapped != MAP_FAILED) {
        // A kernel before 4.17 takes the address for a hint.
        munmap(mapped, size);
        errno = EEXIST;
    }
    return false;
}

void release(void *address, std::size_t size) noexcept {
    const int saved = errno;
    munmap(address, size);
    errno = saved;
}

bool commit(void *address, std::size_t size) noexcept {
    const int saved = errno;
    if (mprotect(address, size, PROT_READ | PROT_WRITE) == 0) {
        errno = saved;
        return true;
    }
    errno = ENOMEM;
    return false;
}

bool decommit(void *address, std::size_t size) noexcept {
    return advise(address, size, MADV_DONTNEED);
}

bool protect_none(void *address, std::size_t size) noexcept {
    const int saved = errno;
    const bool done = mprotect(address, size, PROT_NONE) == 0;
    errno = saved;
    return done;
}

bool advise_huge(void *address, std::size_t size) noexcept {
    return advise(address, size, MADV_HUGEPAGE);
}

bool populate(void *address, std::size_t size) noexcept {
    return advise(address, size, MADV_POPULATE_WRITE);
}

bool wipe_on_fork(void *address, std::size_t size) noexcept {
    return advise(address, size, MADV_WIPEONFORK);
}

} // namespace scratch::pages
