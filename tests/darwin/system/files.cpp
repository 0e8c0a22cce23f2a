// Files: flags, structures and commands of other numbers.
#include "errors.hpp"
#include "names.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace darwin::files {
namespace {

struct flag_pair {
    int darwin;
    int host;
};
constexpr flag_pair open_flags[] = {
    {0x4, O_NONBLOCK},       {0x8, O_APPEND},       {0x80, O_SYNC},  {0x100, O_NOFOLLOW},
    {0x200, O_CREAT},        {0x400, O_TRUNC},      {0x800, O_EXCL}, {0x20000, O_NOCTTY},
    {0x100000, O_DIRECTORY}, {0x1000000, O_CLOEXEC}};

int host_flags(int flags) {
    int result = flags & O_ACCMODE;
    for (const flag_pair &at : open_flags)
        if ((flags & at.darwin) != 0) result |= at.host;
    return result;
}

int darwin_flags(int flags) {
    int result = flags & O_ACCMODE;
    for (const flag_pair &at : open_flags)
        if ((flags & at.host) == at.host) result |= at.darwin;
    return result;
}

/// What the host shows of itself in files is not there on macOS.
bool is_hidden(const char *path) {
    for (const char *folder : {"/proc", "/sys"}) {
        const std::size_t length = strlen(folder);
        if (strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0)) {
            errno = ENOENT;
            return true;
        }
    }
    return false;
}

FILE *open_stream(const char *path, const char *mode) {
    return is_hidden(path) ? nullptr : fopen(path, mode);
}
DIR *open_folder(const char *path) { return is_hidden(path) ? nullptr : opendir(path); }
int can_access(const char *path, int mode) { return is_hidden(path) ? -1 : access(path, mode); }

int open_file(const char *path, int flags, ...) {
    if (is_hidden(path)) return -1;
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & 0x200) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open(path, host_flags(flags), mode);
}

constexpr int darwin_here = -2;
int host_folder(int folder) { return folder == darwin_here ? AT_FDCWD : folder; }

int open_file_at(int folder, const char *path, int flags, ...) {
    if (is_hidden(path)) return -1;
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & 0x200) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    return openat(host_folder(folder), path, host_flags(flags), mode);
}

int control(int descriptor, int command, ...) {
    va_list more;
    va_start(more, command);
    const long argument = va_arg(more, long);
    va_end(more);
    switch (command) {
    case 0:
        return fcntl(descriptor, F_DUPFD, static_cast<int>(argument));
    case 1:
        return fcntl(descriptor, F_GETFD);
    case 2:
        return fcntl(descriptor, F_SETFD, static_cast<int>(argument));
    case 3: {
        const int flags = fcntl(descriptor, F_GETFL);
        return flags < 0 ? flags : darwin_flags(flags);
    }
    case 4:
        return fcntl(descriptor, F_SETFL, host_flags(static_cast<int>(argument)));
    case 50: { // F_GETPATH, into 1024 bytes
        char link[32];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        const ssize_t size = readlink(link, reinterpret_cast<char *>(argument), 1023);
        if (size < 0) return -1;
        reinterpret_cast<char *>(argument)[size] = 0;
        return 0;
    }
    case 51:
        return fsync(descriptor);
    case 67:
        return fcntl(descriptor, F_DUPFD_CLOEXEC, static_cast<int>(argument));
    default:
        errno = EINVAL;
        return -1;
    }
}

struct status {
    std::int32_t device;
    std::uint16_t mode;
    std::uint16_t links;
    std::uint64_t number;
    std::uint32_t user;
    std::uint32_t group;
    std::int32_t special_device;
    timespec accessed, modified, changed, born;
    std::int64_t size;
    std::int64_t blocks;
    std::int32_t block_size;
    std::uint32_t flags;
    std::uint32_t generation;
    std::int32_t spare;
    std::int64_t spares[2];
};
static_assert(sizeof(status) == 144);

int told(int result, const struct stat &host, status *to) {
    if (result != 0) return result;
    *to = {};
    to->device = static_cast<std::int32_t>(host.st_dev);
    to->mode = static_cast<std::uint16_t>(host.st_mode);
    to->links = static_cast<std::uint16_t>(host.st_nlink);
    to->number = host.st_ino;
    to->user = host.st_uid;
    to->group = host.st_gid;
    to->special_device = static_cast<std::int32_t>(host.st_rdev);
    to->accessed = host.st_atim;
    to->modified = host.st_mtim;
    to->changed = to->born = host.st_ctim;
    to->size = host.st_size;
    to->blocks = host.st_blocks;
    to->block_size = static_cast<std::int32_t>(host.st_blksize);
    return 0;
}

int status_of(const char *path, status *to) {
    struct stat host {};
    return is_hidden(path) ? -1 : told(stat(path, &host), host, to);
}
int status_of_link(const char *path, status *to) {
    struct stat host {};
    return is_hidden(path) ? -1 : told(lstat(path, &host), host, to);
}
int status_of_descriptor(int descriptor, status *to) {
    struct stat host {};
    return told(fstat(descriptor, &host), host, to);
}
int status_at(int folder, const char *path, status *to, int flags) {
    struct stat host {};
    return told(
        fstatat(host_folder(folder), path, &host, (flags & 0x20) != 0 ? AT_SYMLINK_NOFOLLOW : 0),
        host, to);
}

struct folder_entry {
    std::uint64_t number;
    std::uint64_t offset;
    std::uint16_t size;
    std::uint16_t name_length;
    std::uint8_t type;
    char name[1024];
};

folder_entry *next_entry(DIR *folder) {
    static thread_local folder_entry result;
    const dirent *const host = readdir(folder);
    if (host == nullptr) return nullptr;
    result.number = host->d_ino;
    result.size = sizeof result;
    result.type = host->d_type;
    result.name_length = static_cast<std::uint16_t>(strlen(host->d_name));
    std::memcpy(result.name, host->d_name, result.name_length + std::size_t{1});
    return &result;
}

int remove_at(int folder, const char *path, int flags) {
    return unlinkat(host_folder(folder), path, (flags & 0x80) != 0 ? AT_REMOVEDIR : 0);
}

/// Not every file system has it there either.
int list_with_attributes(int, void *, void *, std::size_t, std::uint64_t) {
    errno = ENOTSUP;
    return -1;
}

int make_pipe(int *ends) { return pipe(ends); }

struct time_value {
    std::int64_t seconds;
    std::int32_t microseconds;
};

int time_of_day(time_value *now, void *) {
    timeval host{};
    gettimeofday(&host, nullptr);
    if (now != nullptr) *now = {host.tv_sec, static_cast<std::int32_t>(host.tv_usec)};
    return 0;
}

} // namespace
} // namespace darwin::files

namespace darwin::system {

std::span<const entry> file_names() {
    using namespace darwin::files;
    static const entry names[] = {
        function("open", open_file),
        function("openat", open_file_at),
        function("fopen", open_stream),
        function("opendir", open_folder),
        function("access", can_access),
        function("fcntl", control),
        function("stat", status_of),
        function("lstat", status_of_link),
        function("fstat", status_of_descriptor),
        function("fstatat", status_at),
        function("readdir", next_entry),
        function("getattrlistbulk", list_with_attributes),
        function("unlinkat", remove_at),
        function("pipe", make_pipe),
        function("gettimeofday", time_of_day),
    };
    return names;
}

} // namespace darwin::system
