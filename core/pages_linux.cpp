#include "core/pages.hpp"

#include <cerrno>

#include <sys/mman.h>

#include "core/kept_errno.hpp"
#include "core/pages_map.hpp"

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

bool advise(void *address, std::size_t size, int advice) noexcept {
    const kept_errno keep;
    return madvise(address, size, advice) == 0;
}

} // namespace

void *map(void *address, std::size_t size, int protection, int flags) noexcept {
    return mmap(address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
                0);
}

bool reserve_at(void *address, std::size_t size) noexcept {
    void *const mapped = map(address, size, PROT_NONE, MAP_FIXED_NOREPLACE);
    if (mapped == address) return true;
    if (mapped != MAP_FAILED) {
        // A kernel before 4.17 takes the address for a hint.
        munmap(mapped, size);
        errno = EEXIST;
    }
    return false;
}

bool decommit(void *address, std::size_t size) noexcept {
    return advise(address, size, MADV_DONTNEED);
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
