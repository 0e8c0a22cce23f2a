// The calls that glibc has a second time, with 64-bit offsets whatever the program chose.

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

#include "shim/check_calls/look.hpp"
#include "shim/check_calls/mode_argument.hpp"
#include "shim/check_calls/next_function.hpp"

using std::size_t;

extern "C" {
int open64(const char *path, int flags, ...);
int openat64(int folder, const char *path, int flags, ...);
ssize_t pread64(int file, void *into, size_t size, off64_t at);
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at);
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
