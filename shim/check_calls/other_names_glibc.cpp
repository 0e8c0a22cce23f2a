// The other names that glibc has for the calls of buffers.cpp: those that programs built before
// glibc 2.33 call stat by, those with 64-bit offsets whatever the program chose, and those that
// also get the size that the compiler knows of the buffer (_FORTIFY_SOURCE). A line each, no logic.

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "shim/check_calls/looking_call.hpp"

using std::size_t;
struct _IO_FILE;

SCRATCH_QUIET_CALL(int, __xstat, (int version, const char *path, struct stat *into),
                   (version, path, into),
                   (look_at_text(path, "stat()"), look(into, sizeof *into, "stat()")))
SCRATCH_QUIET_CALL(int, __lxstat, (int version, const char *path, struct stat *into),
                   (version, path, into),
                   (look_at_text(path, "lstat()"), look(into, sizeof *into, "lstat()")))
SCRATCH_QUIET_CALL(int, __fxstat, (int version, int file, struct stat *into), (version, file, into),
                   look(into, sizeof *into, "fstat()"))
SCRATCH_QUIET_CALL(int, __fxstatat,
                   (int version, int folder, const char *path, struct stat *into, int flags),
                   (version, folder, path, into, flags),
                   (look_at_text(path, "fstatat()"), look(into, sizeof *into, "fstatat()")))
SCRATCH_QUIET_CALL(int, __xstat64, (int version, const char *path, struct stat64 *into),
                   (version, path, into),
                   (look_at_text(path, "stat()"), look(into, sizeof *into, "stat()")))
SCRATCH_QUIET_CALL(int, __lxstat64, (int version, const char *path, struct stat64 *into),
                   (version, path, into),
                   (look_at_text(path, "lstat()"), look(into, sizeof *into, "lstat()")))
SCRATCH_QUIET_CALL(int, __fxstat64, (int version, int file, struct stat64 *into),
                   (version, file, into), look(into, sizeof *into, "fstat()"))
SCRATCH_QUIET_CALL(int, __fxstatat64,
                   (int version, int folder, const char *path, struct stat64 *into, int flags),
                   (version, folder, path, into, flags),
                   (look_at_text(path, "fstatat()"), look(into, sizeof *into, "fstatat()")))

SCRATCH_QUIET_CALL(int, stat64, (const char *path, struct stat64 *into), (path, into),
                   (look_at_text(path, "stat()"), look(into, sizeof *into, "stat()")))
SCRATCH_QUIET_CALL(int, lstat64, (const char *path, struct stat64 *into), (path, into),
                   (look_at_text(path, "lstat()"), look(into, sizeof *into, "lstat()")))
SCRATCH_QUIET_CALL(int, fstat64, (int file, struct stat64 *into), (file, into),
                   look(into, sizeof *into, "fstat()"))
SCRATCH_QUIET_CALL(int, fstatat64, (int folder, const char *path, struct stat64 *into, int flags),
                   (folder, path, into, flags),
                   (look_at_text(path, "fstatat()"), look(into, sizeof *into, "fstatat()")))
SCRATCH_CALL(ssize_t, preadv64, (int file, const iovec *parts, int count, off64_t at),
             (file, parts, count, at), look_at_parts(parts, count, "preadv()"))
SCRATCH_CALL(ssize_t, pwritev64, (int file, const iovec *parts, int count, off64_t at),
             (file, parts, count, at), look_at_parts(parts, count, "pwritev()"))

SCRATCH_CALL(ssize_t, __read_chk, (int file, void *into, size_t size, size_t known),
             (file, into, size, known), look(into, size, "read()"))
SCRATCH_CALL(ssize_t, __pread_chk, (int file, void *into, size_t size, off_t at, size_t known),
             (file, into, size, at, known), look(into, size, "pread()"))
SCRATCH_CALL(ssize_t, __pread64_chk, (int file, void *into, size_t size, off64_t at, size_t known),
             (file, into, size, at, known), look(into, size, "pread()"))
SCRATCH_CALL(ssize_t, __recv_chk, (int file, void *into, size_t size, size_t known, int flags),
             (file, into, size, known, flags), look(into, size, "recv()"))
SCRATCH_CALL(ssize_t, __recvfrom_chk,
             (int file, void *into, size_t size, size_t known, int flags, sockaddr *peer,
              socklen_t *length),
             (file, into, size, known, flags, peer, length), look(into, size, "recvfrom()"))
SCRATCH_CALL(int, __poll_chk, (pollfd * files, nfds_t count, int timeout, size_t known),
             (files, count, timeout, known), look(files, count * sizeof(pollfd), "poll()"))
SCRATCH_QUIET_CALL(ssize_t, __readlink_chk,
                   (const char *path, char *into, size_t size, size_t known),
                   (path, into, size, known),
                   (look_at_text(path, "readlink()"), look(into, size, "readlink()")))
// A product that is none ends the program in there.
SCRATCH_CALL(size_t, __fread_chk,
             (void *into, size_t known, size_t size, size_t count, _IO_FILE *file),
             (into, known, size, count, file), look(into, size *count, "fread()"))
SCRATCH_CALL(int, __open_2, (const char *path, int flags), (path, flags),
             look_at_text(path, "open()"))
SCRATCH_CALL(int, __open64_2, (const char *path, int flags), (path, flags),
             look_at_text(path, "open()"))
SCRATCH_CALL(int, __openat_2, (int folder, const char *path, int flags), (folder, path, flags),
             look_at_text(path, "openat()"))
SCRATCH_CALL(int, __openat64_2, (int folder, const char *path, int flags), (folder, path, flags),
             look_at_text(path, "openat()"))
