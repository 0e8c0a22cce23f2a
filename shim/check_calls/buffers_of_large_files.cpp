// The calls that glibc has a second time, with 64-bit offsets whatever the program chose.

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <sys/types.h>

#include "shim/check_calls/look.hpp"
#include "shim/check_calls/next_function.hpp"

using std::size_t;

namespace {

constexpr int creates = 0100;
constexpr int unnamed = 020000000;

} // namespace

extern "C" {
int open64(const char *path, int flags, ...);
int openat64(int folder, const char *path, int flags, ...);
ssize_t pread64(int file, void *into, size_t size, off64_t at);
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at);
}

#define SCRATCH_MODE_ARGUMENT(flags, mode)                                                         \
    unsigned mode = 0;                                                                             \
    if (((flags)&creates) != 0 || ((flags)&unnamed) != 0) {                                        \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode = va_arg(more, unsigned);                                                             \
        va_end(more);                                                                              \
    }

SCRATCH_EXPORT int open64(const char *path, int flags, ...) {
    SCRATCH_MODE_ARGUMENT(flags, mode)
    look(path, SIZE_MAX, "open()");
    return SCRATCH_NEXT(open64)(path, flags, mode);
}
SCRATCH_EXPORT int openat64(int folder, const char *path, int flags, ...) {
    SCRATCH_MODE_ARGUMENT(flags, mode)
    look(path, SIZE_MAX, "openat()");
    return SCRATCH_NEXT(openat64)(folder, path, flags, mode);
}
SCRATCH_EXPORT ssize_t pread64(int file, void *into, size_t size, off64_t at) {
    look(into, size, "pread()");
    return SCRATCH_NEXT(pread64)(file, into, size, at);
}
SCRATCH_EXPORT ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
    look(from, size, "pwrite()");
    return SCRATCH_NEXT(pwrite64)(file, from, size, at);
}
