#include "shim/observe/descriptor.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/attr.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/kept_errno.hpp"
#include "shim/observe/descriptor_system.hpp"

namespace scratch::shim {

namespace {

// There is no way round the library to the kernel here that is promised to stay. Its calls are
// cancellation points unless the thread says that it cannot be cancelled now.
class without_cancellation {
public:
    without_cancellation() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~without_cancellation() {
        int ignored;
        pthread_setcancelstate(before_, &ignored);
    }
    without_cancellation(const without_cancellation &) = delete;
    without_cancellation &operator=(const without_cancellation &) = delete;

private:
    int before_ = 0;
};

// The result of `call`, or the error number below zero.
template <typename Call>
auto quietly(Call call) noexcept -> decltype(call()) {
    const kept_errno keep;
    const without_cancellation here;
    const auto result = call();
    return result == -1 ? static_cast<decltype(call())>(-errno) : result;
}

} // namespace

without_write_signals::without_write_signals() noexcept {
    const kept_errno keep;
    sigset_t all;
    sigemptyset(&all);
    for (const int signal : write_signals)
        sigaddset(&all, signal);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    sigemptyset(&ours_);
    for (const int signal : write_signals)
        if (sigismember(&pending, signal) != 1) sigaddset(&ours_, signal);
}

without_write_signals::~without_write_signals() {
    const kept_errno keep;
    const without_cancellation here;
    for (const int signal : write_signals) {
        sigset_t pending;
        sigemptyset(&pending);
        sigpending(&pending);
        if (sigismember(&ours_, signal) != 1 || sigismember(&pending, signal) != 1) continue;
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, signal);
        int taken = 0;
        sigwait(&one, &taken);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void wait_until_writable(int descriptor) noexcept {
    pollfd waiting{descriptor, POLLOUT, 0};
    quietly([&] { return poll(&waiting, 1, longest_wait); });
}

long write_some(int descriptor, std::string_view bytes) noexcept {
    return quietly([&] { return write(descriptor, bytes.data(), bytes.size()); });
}

long write_some_at(int descriptor, std::string_view bytes, std::int64_t offset) noexcept {
    return quietly([&] { return pwrite(descriptor, bytes.data(), bytes.size(), offset); });
}

file_identity identify(int descriptor) noexcept {
    struct stat status;
    return identity_from(quietly([&] { return fstat(descriptor, &status); }), status);
}

file_identity identify(const char *path) noexcept {
    struct stat status;
    return identity_from(quietly([&] { return lstat(path, &status); }), status);
}

file_identity identify_target(const char *path) noexcept {
    struct stat status;
    return identity_from(quietly([&] { return stat(path, &status); }), status);
}

int create_file(const char *path, unsigned permissions) noexcept {
    return quietly([&] {
        return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
                    permissions);
    });
}

int open_to_read(const char *path) noexcept {
    return quietly(
        [&] { return open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); });
}

long read_start(int descriptor, char *into, std::size_t size) noexcept {
    return quietly([&] { return pread(descriptor, into, size, 0); });
}

void close_descriptor(int descriptor) noexcept {
    quietly([&] { return close(descriptor); });
}

int remove_file(const char *path) noexcept {
    return quietly([&] { return unlink(path); });
}

int rename_file(const char *from, const char *to) noexcept {
    return quietly([&] { return rename(from, to); });
}

// Not by opendir, which allocates.
void visit_some_names(const char *folder, void (*visit)(void *, const char *),
                      void *context) noexcept {
    const int descriptor =
        quietly([&] { return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) return;
    attrlist wanted{};
    wanted.bitmapcount = ATTR_BIT_MAP_COUNT;
    wanted.commonattr = ATTR_CMN_RETURNED_ATTRS | ATTR_CMN_NAME;
    alignas(8) char batch[4096];
    const int count =
        quietly([&] { return getattrlistbulk(descriptor, &wanted, batch, sizeof batch, 0); });
    close_descriptor(descriptor);
    const char *at = batch;
    for (int entry = 0; entry < count; ++entry) {
        // Its length, which attributes there are, and the name's place, counted from its own.
        std::uint32_t length = 0;
        attribute_set_t returned{};
        attrreference_t name{};
        std::memcpy(&length, at, sizeof length);
        std::memcpy(&returned, at + sizeof length, sizeof returned);
        const char *const place = at + sizeof length + sizeof returned;
        if ((returned.commonattr & ATTR_CMN_NAME) != 0) {
            std::memcpy(&name, place, sizeof name);
            visit(context, place + name.attr_dataoffset);
        }
        at += length;
    }
}

void *map_shared(void *place, std::size_t size, int descriptor) noexcept {
    const kept_errno keep;
    const int kind = descriptor < 0 ? MAP_PRIVATE | MAP_ANON : MAP_SHARED;
    void *const mapped = mmap(place, size, PROT_READ | PROT_WRITE,
                              place != nullptr ? kind | MAP_FIXED : kind, descriptor, 0);
    return mapped != MAP_FAILED ? mapped : nullptr;
}

bool process_may_live(std::uint32_t process) noexcept {
    return quietly([&] { return kill(static_cast<pid_t>(process), 0); }) != -ESRCH;
}

std::uint32_t this_process() noexcept { return static_cast<std::uint32_t>(getpid()); }

std::uint32_t parent_process() noexcept { return static_cast<std::uint32_t>(getppid()); }

std::uint32_t this_user() noexcept { return static_cast<std::uint32_t>(geteuid()); }

std::string_view read_link(const char *path, char *into, std::size_t size) noexcept {
    const ssize_t length = quietly([&] { return readlink(path, into, size); });
    return length > 0 ? std::string_view(into, static_cast<std::size_t>(length))
                      : std::string_view();
}

// Not by getcwd, which may allocate: the kernel tells where an open folder is.
std::string_view current_folder(char *into, std::size_t size) noexcept {
    const int descriptor = quietly([&] { return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) return {};
    char path[MAXPATHLEN];
    const int told = quietly([&] { return fcntl(descriptor, F_GETPATH, path); });
    close_descriptor(descriptor);
    const std::size_t length = told < 0 ? 0 : strnlen(path, sizeof path);
    if (length == 0 || length > size) return {};
    std::memcpy(into, path, length);
    return {into, length};
}

} // namespace scratch::shim
