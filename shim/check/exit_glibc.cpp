#include "shim/check/exit.hpp"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/check/options.hpp"
#include "shim/check/start.hpp"

extern "C" void __libc_freeres();
#pragma weak __libc_freeres

namespace scratch::shim::check {

namespace {

// Not by fstatat, which has another name in glibc before 2.33.
bool is_only_thread() noexcept {
    struct stat tasks = {};
    const bool told = syscall(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &tasks, 0) == 0;
    return told && tasks.st_nlink == 2 + 1; // as a folder with a folder for each
}

// Buffers of streams, locales, the time zone: libc means to keep them, and frees them where leaks
// are looked for. No thread may use them afterwards.
void free_what_libc_keeps() noexcept {
    if (&__libc_freeres != nullptr && is_only_thread()) __libc_freeres();
}

// Registered before all others, so called after them and after all destructors.
void finish_last(int status, void *) {
    if (asked.leaks) free_what_libc_keeps();
    const int wanted = finish(status);
    if (wanted == status) return;
    // What libc would still do after us.
    std::fflush(nullptr);
    _exit(wanted);
}

} // namespace

void call_at_exit() noexcept { on_exit(finish_last, nullptr); }

} // namespace scratch::shim::check
