// What <stdio.h> and <fcntl.h> hand to the system: their declarations would not let the others of
// buffers.cpp be defined beside them under large files.

#include <cstddef>
#include <cstdint>

#include "shim/check_calls/look.hpp"
#include "shim/check_calls/mode_argument.hpp"
#include "shim/check_calls/next_function.hpp"

using std::size_t;
struct _IO_FILE;

namespace {

size_t product(size_t size, size_t count) noexcept {
    size_t whole;
    return __builtin_mul_overflow(size, count, &whole) ? SIZE_MAX : whole;
}

} // namespace

extern "C" {
size_t fread(void *into, size_t size, size_t count, _IO_FILE *file);
size_t fwrite(const void *from, size_t size, size_t count, _IO_FILE *file);
int open(const char *path, int flags, ...);
int openat(int folder, const char *path, int flags, ...);
}

// A large fread or fwrite goes to the system past the buffer of the file.
SCRATCH_EXPORT size_t fread(void *into, size_t size, size_t count, _IO_FILE *file) {
    look(into, product(size, count), "fread()");
    return SCRATCH_NEXT(fread)(into, size, count, file);
}
SCRATCH_EXPORT size_t fwrite(const void *from, size_t size, size_t count, _IO_FILE *file) {
    look(from, product(size, count), "fwrite()");
    return SCRATCH_NEXT(fwrite)(from, size, count, file);
}

SCRATCH_EXPORT int open(const char *path, int flags, ...) {
    SCRATCH_MODE_ARGUMENT(flags, mode)
    look(path, SIZE_MAX, "open()");
    return SCRATCH_NEXT(open)(path, flags, mode);
}
SCRATCH_EXPORT int openat(int folder, const char *path, int flags, ...) {
    SCRATCH_MODE_ARGUMENT(flags, mode)
    look(path, SIZE_MAX, "openat()");
    return SCRATCH_NEXT(openat)(folder, path, flags, mode);
}
