// Calls that hand memory to the system. There a closed page is an error (EFAULT), or a shorter
// count, and no fault; so their buffers are looked at before. A line each, no logic.

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "shim/check_calls/looking_call.hpp"

using std::size_t;

namespace {

void look_at_message(const msghdr *message, const char *call) noexcept {
    look(message, sizeof(msghdr), call);
    look(message->msg_name, message->msg_namelen, call);
    look(message->msg_control, message->msg_controllen, call);
    look_at_parts(message->msg_iov, static_cast<int>(message->msg_iovlen), call);
}

} // namespace

SCRATCH_CALL(ssize_t, read, (int file, void *into, size_t size), (file, into, size),
             look(into, size, "read()"))
SCRATCH_CALL(ssize_t, write, (int file, const void *from, size_t size), (file, from, size),
             look(from, size, "write()"))
SCRATCH_CALL(ssize_t, pread, (int file, void *into, size_t size, off_t at), (file, into, size, at),
             look(into, size, "pread()"))
SCRATCH_CALL(ssize_t, pwrite, (int file, const void *from, size_t size, off_t at),
             (file, from, size, at), look(from, size, "pwrite()"))
SCRATCH_CALL(ssize_t, readv, (int file, const iovec *parts, int count), (file, parts, count),
             look_at_parts(parts, count, "readv()"))
SCRATCH_CALL(ssize_t, writev, (int file, const iovec *parts, int count), (file, parts, count),
             look_at_parts(parts, count, "writev()"))
SCRATCH_CALL(ssize_t, preadv, (int file, const iovec *parts, int count, off_t at),
             (file, parts, count, at), look_at_parts(parts, count, "preadv()"))
SCRATCH_CALL(ssize_t, pwritev, (int file, const iovec *parts, int count, off_t at),
             (file, parts, count, at), look_at_parts(parts, count, "pwritev()"))

SCRATCH_CALL(ssize_t, recv, (int file, void *into, size_t size, int flags),
             (file, into, size, flags), look(into, size, "recv()"))
SCRATCH_CALL(ssize_t, send, (int file, const void *from, size_t size, int flags),
             (file, from, size, flags), look(from, size, "send()"))
SCRATCH_CALL(ssize_t, recvfrom,
             (int file, void *into, size_t size, int flags, sockaddr *peer, socklen_t *length),
             (file, into, size, flags, peer, length), look(into, size, "recvfrom()"))
SCRATCH_CALL(ssize_t, sendto,
             (int file, const void *from, size_t size, int flags, const sockaddr *peer,
              socklen_t length),
             (file, from, size, flags, peer, length),
             (look(from, size, "sendto()"), look(peer, length, "sendto()")))
SCRATCH_CALL(ssize_t, recvmsg, (int file, msghdr *message, int flags), (file, message, flags),
             look_at_message(message, "recvmsg()"))
SCRATCH_CALL(ssize_t, sendmsg, (int file, const msghdr *message, int flags), (file, message, flags),
             look_at_message(message, "sendmsg()"))
SCRATCH_CALL(int, connect, (int file, const sockaddr *peer, socklen_t length), (file, peer, length),
             look(peer, length, "connect()"))
SCRATCH_QUIET_CALL(int, bind, (int file, const sockaddr *name, socklen_t length),
                   (file, name, length), look(name, length, "bind()"))

SCRATCH_CALL(ssize_t, getrandom, (void *into, size_t size, unsigned flags), (into, size, flags),
             look(into, size, "getrandom()"))
SCRATCH_CALL(int, poll, (pollfd * files, nfds_t count, int timeout), (files, count, timeout),
             look(files, count * sizeof(pollfd), "poll()"))
SCRATCH_CALL(int, epoll_wait, (int file, epoll_event *events, int count, int timeout),
             (file, events, count, timeout),
             look(events, count > 0 ? static_cast<size_t>(count) * sizeof(epoll_event) : 0,
                  "epoll_wait()"))

SCRATCH_QUIET_CALL(int, stat, (const char *path, struct stat *into), (path, into),
                   (look_at_text(path, "stat()"), look(into, sizeof *into, "stat()")))
SCRATCH_QUIET_CALL(int, lstat, (const char *path, struct stat *into), (path, into),
                   (look_at_text(path, "lstat()"), look(into, sizeof *into, "lstat()")))
SCRATCH_QUIET_CALL(int, fstat, (int file, struct stat *into), (file, into),
                   look(into, sizeof *into, "fstat()"))
SCRATCH_QUIET_CALL(int, fstatat, (int folder, const char *path, struct stat *into, int flags),
                   (folder, path, into, flags),
                   (look_at_text(path, "fstatat()"), look(into, sizeof *into, "fstatat()")))
SCRATCH_QUIET_CALL(int, access, (const char *path, int mode), (path, mode),
                   look_at_text(path, "access()"))
SCRATCH_QUIET_CALL(int, unlink, (const char *path), (path), look_at_text(path, "unlink()"))
SCRATCH_QUIET_CALL(int, mkdir, (const char *path, mode_t mode), (path, mode),
                   look_at_text(path, "mkdir()"))
SCRATCH_QUIET_CALL(int, rmdir, (const char *path), (path), look_at_text(path, "rmdir()"))
SCRATCH_QUIET_CALL(int, chdir, (const char *path), (path), look_at_text(path, "chdir()"))
SCRATCH_QUIET_CALL(int, rename, (const char *from, const char *to), (from, to),
                   (look_at_text(from, "rename()"), look_at_text(to, "rename()")))
SCRATCH_QUIET_CALL(ssize_t, readlink, (const char *path, char *into, size_t size),
                   (path, into, size),
                   (look_at_text(path, "readlink()"), look(into, size, "readlink()")))
