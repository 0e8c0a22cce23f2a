#include "core/pages.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/kept_errno.hpp"
#include "core/pages_map.hpp"

namespace scratch::pages {
namespace {

bool set_protection(void *address, std::size_t size, int protection) noexcept {
    const kept_errno keep;
    return mprotect(address, size, protection) == 0;
}

} // namespace

std::size_t page_size() noexcept {
    static std::atomic<std::size_t> known{0};
    std::size_t size = known.load(std::memory_order_relaxed);
    if (size == 0) {
        size = static_cast<std::size_t>(getpagesize());
        known.store(size, std::memory_order_relaxed);
    }
    return size;
}

std::size_t address_space_limit() noexcept {
    const kept_errno keep;
    rlimit limit{};
    const bool known = getrlimit(RLIMIT_AS, &limit) == 0;
    return known && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : SIZE_MAX;
}

void *reserve(std::size_t size, std::size_t alignment) noexcept {
    const std::size_t page = page_size();
    const std::size_t slack = alignment > page ? alignment - page : 0;
    if (size == 0 || size > SIZE_MAX - slack) {
        errno = EINVAL;
        return nullptr;
    }
    void *const mapped = map(nullptr, size + slack, PROT_NONE, 0);
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

void release(void *address, std::size_t size) noexcept {
    const kept_errno keep;
    munmap(address, size);
}

bool commit(void *address, std::size_t size) noexcept {
    if (set_protection(address, size, PROT_READ | PROT_WRITE)) return true;
    errno = ENOMEM;
    return false;
}

bool protect_none(void *address, std::size_t size) noexcept {
    return set_protection(address, size, PROT_NONE);
}

} // namespace scratch::pages
