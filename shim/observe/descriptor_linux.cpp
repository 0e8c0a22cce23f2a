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

#include "core/kept_errno.hpp"
#include "shim/observe/descriptor_system.hpp"

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

int result_of(long result) noexcept { return static_cast<int>(result); }

// libc's stat functions carry a symbol version (2.33) that older systems lack; on the 64-bit
// systems that we serve the kernel's struct is libc's.
file_identity identify_at(int folder, const char *path, int flags) noexcept {
    struct stat status;
    return identity_from(call_kernel(SYS_newfstatat, folder, path, &status, flags), status);
}

} // namespace

without_write_signals::without_write_signals() noexcept {
    sigemptyset(&ours_);
    for (const int signal : write_signals)
        sigaddset(&ours_, signal);
    call_kernel(SYS_rt_sigprocmask, SIG_BLOCK, &ours_, &before_, kernel_set_size);
    sigset_t pending;
    sigemptyset(&pending);
    call_kernel(SYS_rt_sigpending, &pending, kernel_set_size);
    for (const int signal : write_signals)
        if (sigismember(&pending, signal) == 1) sigdelset(&ours_, signal);
}

without_write_signals::~without_write_signals() {
    const timespec at_once{};
    while (call_kernel(SYS_rt_sigtimedwait, &ours_, nullptr, &at_once, kernel_set_size) > 0) {
    }
    call_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, kernel_set_size);
}

void wait_until_writable(int descriptor) noexcept {
    pollfd waiting{descriptor, POLLOUT, 0};
    timespec most{0, 1'000'000L * longest_wait};
    call_kernel(SYS_ppoll, &waiting, 1, &most, nullptr, kernel_set_size);
}

long write_some(int descriptor, std::string_view bytes) noexcept {
    return call_kernel(SYS_write, descriptor, bytes.data(), bytes.size());
}

long write_some_at(int descriptor, std::string_view bytes, std::int64_t offset) noexcept {
    return call_kernel(SYS_pwrite64, descriptor, bytes.data(), bytes.size(), offset);
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

std::string_view file_mapped_at(std::uintptr_t address, char *into, std::size_t size) noexcept {
    // Lines of "begin-end permissions offset device node path".
    const int file = open_to_read("/proc/self/maps");
    if (file < 0) return {};
    std::uintptr_t bounds[2] = {};
    int bound = 0; // which is read; 2 behind them
    std::size_t length = 0;
    bool done = false;
    char part[1024];
    for (long count; !done && (count = call_kernel(SYS_read, file, part, sizeof part)) > 0;) {
        for (long i = 0; i < count && !done; ++i) {
            const char c = part[i];
            if (c == '\n') {
                done = length != 0;
                bounds[0] = bounds[1] = 0;
                bound = 0;
            } else if (bound < 2 && (c == '-' || c == ' ')) {
                ++bound;
            } else if (bound < 2) {
                const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
                bounds[bound] = bounds[bound] << 4 | static_cast<unsigned>(digit);
            } else if ((length != 0 || c == '/') && length < size &&
                       address - bounds[0] < bounds[1] - bounds[0]) {
                into[length++] = c;
            }
        }
    }
    close_descriptor(file);
    return {into, length};
}

std::string_view current_folder(char *into, std::size_t size) noexcept {
    // The kernel counts the terminating zero, and answers "(unreachable)..." outside of the root.
    const long length = call_kernel(SYS_getcwd, into, size);
    return length > 1 && into[0] == '/'
               ? std::string_view(into, static_cast<std::size_t>(length) - 1)
               : std::string_view();
}

} // namespace scratch::shim
