// Memory of a scope that is over, handed to the system: by the calls' own names, or by the others
// that glibc has for them. Each says what it saw.

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <scratch/annotate.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

#ifdef __GLIBC__
// As programs call them that were built with older headers, with large files, or fortified.
extern "C" {
int __xstat(int version, const char *path, struct stat *into) noexcept;
int __fxstat64(int version, int file, struct stat64 *into) noexcept;
ssize_t __read_chk(int file, void *into, std::size_t size, std::size_t known);
std::size_t __fread_chk(void *into, std::size_t known, std::size_t size, std::size_t count,
                        FILE *file);
int __open_2(const char *path, int flags);
}
#endif

namespace {

template <typename T>
T hidden(T value) {
    __asm__ volatile("" : "+r"(value)::"memory");
    return value;
}

char *volatile kept;

NOINLINE void keep_beyond_scope(std::size_t size) {
    SCRATCH_REGION("kept", SCRATCH_TRUSTED);
    kept = static_cast<char *>(hidden(malloc(size)));
    std::memset(kept, 'a', size);
}

NOINLINE int system_calls() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
    keep_beyond_scope(100);
    std::printf("write %zd\n", write(ends[0], hidden(static_cast<char *>(kept)), 100));
    keep_beyond_scope(100);
    std::printf("recv %zd\n", recv(ends[1], hidden(static_cast<char *>(kept)), 100, 0));
    keep_beyond_scope(100);
    iovec part = {hidden(static_cast<char *>(kept)), 100};
    std::printf("writev %zd\n", writev(ends[0], &part, 1));
    keep_beyond_scope(100000);
    FILE *file = std::fopen("/dev/null", "w");
    std::printf("fwrite %zu\n", fwrite(hidden(static_cast<char *>(kept)), 1, 100000, file));
    std::fclose(file);
    keep_beyond_scope(100);
    std::printf("open %d\n", open(hidden(static_cast<char *>(kept)), O_RDONLY));
    return 0;
}

#ifdef __GLIBC__
NOINLINE int system_calls_by_other_names() {
#if defined(__x86_64__)
    constexpr int version = 1;
#else
    constexpr int version = 0;
#endif
    const int file = open("/dev/zero", O_RDONLY);
    keep_beyond_scope(sizeof(struct stat));
    std::printf("__xstat %d\n",
                __xstat(version, "/", hidden(reinterpret_cast<struct stat *>(kept))));
    keep_beyond_scope(sizeof(struct stat64));
    std::printf("__fxstat64 %d\n",
                __fxstat64(version, file, hidden(reinterpret_cast<struct stat64 *>(kept))));
    keep_beyond_scope(sizeof(struct stat64));
    std::printf("stat64 %d\n", stat64("/", hidden(reinterpret_cast<struct stat64 *>(kept))));
    keep_beyond_scope(sizeof(struct stat64));
    std::printf("fstatat %d\n",
                fstatat(AT_FDCWD, "/", hidden(reinterpret_cast<struct stat *>(kept)), 0));
    keep_beyond_scope(100);
    std::printf("__read_chk %zd\n", __read_chk(file, hidden(static_cast<char *>(kept)), 100, 100));
    keep_beyond_scope(100000);
    FILE *zeros = std::fopen("/dev/zero", "r");
    std::printf("__fread_chk %zu\n",
                __fread_chk(hidden(static_cast<char *>(kept)), 100000, 1, 100000, zeros));
    std::fclose(zeros);
    keep_beyond_scope(100);
    std::printf("__open_2 %d\n", __open_2(hidden(static_cast<char *>(kept)), O_RDONLY));
    close(file);
    return 0;
}
#endif

} // namespace

int main(int count, char **arguments) {
    if (count != 2) return 125;
    if (std::strcmp(arguments[1], "system_calls") == 0) return system_calls();
#ifdef __GLIBC__
    if (std::strcmp(arguments[1], "system_calls_by_other_names") == 0)
        return system_calls_by_other_names();
#endif
    return 125;
}
