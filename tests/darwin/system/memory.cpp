// mmap and its kin.
#include "memory.hpp"

#include "names.hpp"

#include <cerrno>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace darwin::memory {
namespace {

constexpr std::uintptr_t page = 4096;

// As macOS numbers them. MAP_SHARED, MAP_PRIVATE, MAP_FIXED and PROT_ are Linux's.
constexpr int map_same = 0x13;
constexpr int map_no_reserve = 0x40;
constexpr int map_no_cache = 0x400;
constexpr int map_just_in_time = 0x800;
constexpr int map_anonymous = 0x1000;

int host_flags(int flags) {
    int result = flags & map_same;
    if ((flags & map_anonymous) != 0) result |= MAP_ANONYMOUS;
    // macOS never counts what is only reserved against a limit.
    return result | MAP_NORESERVE;
}

void *map(void *address, std::size_t size, int protection, int flags, int descriptor,
          off_t offset) {
    constexpr int known =
        map_same | map_no_reserve | map_no_cache | map_just_in_time | map_anonymous;
    if (size == 0 || (flags & ~known) != 0) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    // The descriptor of anonymous memory is a tag for the system's tools there.
    const int file = (flags & map_anonymous) != 0 ? -1 : descriptor;
    return mmap(address, size, protection, host_flags(flags), file, offset);
}

int unmap(void *address, std::size_t size) {
    // macOS refuses what Linux takes: nothing to unmap, and an address inside of a page.
    if (size == 0 || reinterpret_cast<std::uintptr_t>(address) % page != 0) {
        errno = EINVAL;
        return -1;
    }
    return munmap(address, size);
}

int protect(void *address, std::size_t size, int protection) {
    const int result = mprotect(address, size, protection & (PROT_READ | PROT_WRITE | PROT_EXEC));
    return result;
}

/// The pages from this one on are the system's to take. It may take any of them at any time, so
/// some keep their contents here and most lose them: who counts on either is wrong.
int give_back(void *address, std::size_t size) {
    constexpr std::uintptr_t kept_of = 16;
    char *const first = static_cast<char *>(address);
    for (std::size_t at = 0; at < size; at += page) {
        if ((reinterpret_cast<std::uintptr_t>(first) + at) / page % kept_of == 0) continue;
        if (madvise(first + at, page, MADV_DONTNEED) != 0) return -1;
    }
    return 0;
}

int inherit(void *address, std::size_t size, int inheritance) {
    switch (inheritance) {
    case 0: // VM_INHERIT_SHARE
        errno = ENOTSUP;
        return -1;
    case 1:
        return madvise(address, size, MADV_DOFORK); // VM_INHERIT_COPY
    case 2:
        return madvise(address, size, MADV_DONTFORK); // VM_INHERIT_NONE
    default:
        errno = EINVAL;
        return -1;
    }
}

/// As there: it is declared, and that is all.
int lock_all(int) {
    errno = ENOSYS;
    return -1;
}

} // namespace

int advise(void *address, std::size_t size, int advice) {
    switch (advice) {
    case 0:
        return madvise(address, size, MADV_NORMAL);
    case 1:
        return madvise(address, size, MADV_RANDOM);
    case 2:
        return madvise(address, size, MADV_SEQUENTIAL);
    case 3:
        return madvise(address, size, MADV_WILLNEED);
    // The contents stay, other than Linux's.
    case 4:
        return madvise(address, size, MADV_COLD);
    case 5: // MADV_FREE
    case 7:
        return give_back(address, size); // MADV_FREE_REUSABLE
    case 8:
        return madvise(address, size, MADV_NORMAL); // MADV_FREE_REUSE
    case 9:
        return madvise(address, size, MADV_NORMAL); // MADV_CAN_REUSE
    case 10:
        return madvise(address, size, MADV_COLD); // MADV_PAGEOUT
    default:
        errno = EINVAL;
        return -1;
    }
}

} // namespace darwin::memory

namespace darwin::system {

std::span<const entry> memory_names() {
    static const entry names[] = {
        function("mmap", memory::map),
        function("munmap", memory::unmap),
        function("mprotect", memory::protect),
        function("madvise", memory::advise),
        function("posix_madvise", memory::advise),
        function("mlockall", memory::lock_all),
        function("minherit", memory::inherit),
    };
    return names;
}

} // namespace darwin::system
