#include "shim/observe/descriptor.hpp"

#include <csignal>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace scratch::shim {

namespace {

// A whole register for each argument: the kernel reads all of it where libc's own type is shorter.
long as_word(std::size_t value) noexcept { return static_cast<long>(value); }
long as_word(int value) noexcept { return value; }
long as_word(long value) noexcept { return value; }
long as_word(unsigned value) noexcept { return static_cast<long>(value); }
long as_word(const void *pointer) noexcept { return reinterpret_cast<long>(pointer); }

// The result, or the error number below zero.
template <typename... arguments>
long call_kernel(long number, arguments... given) noexcept {
    const kept_errno keep;
    const long result = ::syscall(number, as_word(given)...);
    return result == -1 ? -errno : result;
}

// The kernel's set of signals, which is smaller than libc's.
constexpr std::size_t kernel_set_size = 8;

// Holds back the signals that a write can raise in the writing thread, and swallows those that it
// raised.
class without_write_signals {
public:
    without_write_signals() noexcept {
        sigemptyset(&held_);
        for (const int signal : {SIGPIPE, SIGXFSZ, SIGTTOU})
            sigaddset(&held_, signal);
        call_kernel(SYS_rt_sigprocmask, SIG_BLOCK, &held_, &before_, kernel_set_size);
        sigset_t pending;
        sigemptyset(&pending);
        call_kernel(SYS_rt_sigpending, &pending, kernel_set_size);
        // A signal that was pending already is the program's and stays.
        for (const int signal : {SIGPIPE, SIGXFSZ, SIGTTOU})
            if (sigismember(&pending, signal) == 1) sigdelset(&held_, signal);
    }
    ~without_write_signals() {
        const timespec at_once{};
        while (call_kernel(SYS_rt_sigtimedwait, &held_, nullptr, &at_once, kernel_set_size) > 0) {
        }
        call_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, kernel_set_size);
    }
    without_write_signals(const without_write_signals &) = delete;
    without_write_signals &operator=(const without_write_signals &) = delete;

private:
    sigset_t held_;
    sigset_t before_;
};

void wait_until_writable(int descriptor) noexcept {
    constexpr long tenth_of_a_second = 100'000'000;
    pollfd waiting{descriptor, POLLOUT, 0};
    timespec most{0, tenth_of_a_second};
    call_kernel(SYS_ppoll, &waiting, 1, &most, nullptr, kernel_set_size);
}

int result_of(long result) noexcept { return static_cast<int>(result); }

file_identity identity_from(const struct stat &status) noexcept {
    file_identity result;
    result.device = status.st_dev;
    result.node = status.st_ino;
    result.owner = status.st_uid;
    result.exists = true;
    result.regular = S_ISREG(status.st_mode);
    result.folder = S_ISDIR(status.st_mode);
    return result;
}

// libc's stat functions carry a symbol version (2.33) that older systems lack; on the 64-bit
// systems that we serve the kernel's struct is libc's.
file_identity identify_at(int folder, const char *path, int flags) noexcept {
    struct stat status;
    const long result = call_kernel(SYS_newfstatat, folder, path, &status, flags);
    return result == 0 ? identity_from(status) : file_identity{};
}

} // namespace

bool write_whole(int descriptor, std::string_view bytes) noexcept {
    const without_write_signals quiet;
    bool waited = false;
    while (!bytes.empty()) {
        const long written = call_kernel(SYS_write, descriptor, bytes.data(), bytes.size());
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (written == -EAGAIN && !waited) {
            wait_until_writable(descriptor);
            waited = true;
        } else if (written != -EINTR) {
            return false;
        }
    }
    return true;
}

bool write_whole_at(int descriptor, std::string_view bytes, std::int64_t offset) noexcept {
    const without_write_signals quiet;
    while (!bytes.empty()) {
        const long written =
            call_kernel(SYS_pwrite64, descriptor, bytes.data(), bytes.size(), offset);
        if (written == -EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
        offset += written;
    }
    return true;
}

file_identity identify(int descriptor) noexcept {
    return identify_at(descriptor, "", AT_EMPTY_PATH);
}

file_identity identify(const char *path) noexcept {
    return identify_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
}

file_identity identify_target(const char *path) noexcept { return identify_at(AT_FDCWD, path, 0); }

int create_file(const char *path, unsigned permissions) noexcept {
    return result_of(call_kernel(SYS_openat, AT_FDCWD, path,
                                 O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
                                 permissions));
}

int open_to_read(const char *path) noexcept {
    return result_of(call_kernel(SYS_openat, AT_FDCWD, path,
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0));
}

long read_start(int descriptor, char *into, std::size_t size) noexcept {
    return call_kernel(SYS_pread64, descriptor, into, size, 0);
}

void close_descriptor(int descriptor) noexcept { call_kernel(SYS_close, descriptor); }

int remove_file(const char *path) noexcept {
    return result_of(call_kernel(SYS_unlinkat, AT_FDCWD, path, 0));
}

int rename_file(const char *from, const char *to) noexcept {
    return result_of(call_kernel(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

void visit_some_names(const char *folder, void (*visit)(void *, const char *),
                      void *context) noexcept {
    const int descriptor =
        result_of(call_kernel(SYS_openat, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
    if (descriptor < 0) return;
    alignas(dirent64) char batch[4096];
    const long size = call_kernel(SYS_getdents64, descriptor, batch, sizeof batch);
    close_descriptor(descriptor);
    for (long at = 0; at < size;) {
        // libc's dirent64 is the kernel's, but for the size that a name may take.
        const auto *entry = reinterpret_cast<const dirent64 *>(batch + at);
        visit(context, entry->d_name);
        at += entry->d_reclen;
    }
}

void *map_shared(void *place, std::size_t size, int descriptor) noexcept {
    const int kind = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    const long mapped = call_kernel(SYS_mmap, place, size, PROT_READ | PROT_WRITE,
                                    place ? kind | MAP_FIXED : kind, descriptor, 0);
    return mapped > 0 ? reinterpret_cast<void *>(mapped) : nullptr;
}

bool process_may_live(std::uint32_t process) noexcept {
    return call_kernel(SYS_kill, static_cast<pid_t>(process), 0) != -ESRCH;
}

std::uint32_t this_process() noexcept {
    return static_cast<std::uint32_t>(call_kernel(SYS_getpid));
}

std::uint32_t parent_process() noexcept {
    return static_cast<std::uint32_t>(call_kernel(SYS_getppid));
}

std::uint32_t this_user() noexcept { return static_cast<std::uint32_t>(call_kernel(SYS_geteuid)); }

std::string_view read_link(const char *path, char *into, std::size_t size) noexcept {
    const long length = call_kernel(SYS_readlinkat, AT_FDCWD, path, into, size);
    return length > 0 ? std::string_view(into, static_cast<std::size_t>(length))
                      : std::string_view();
}

std::string_view current_folder(char *into, std::size_t size) noexcept {
    // The kernel counts the terminating zero, and answers "(unreachable)..." outside of the root.
    const long length = call_kernel(SYS_getcwd, into, size);
    return length > 1 && into[0] == '/'
               ? std::string_view(into, static_cast<std::size_t>(length) - 1)
               : std::string_view();
}

} // namespace scratch::shim
