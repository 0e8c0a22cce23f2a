#include "core/tasks.hpp"

#include <cerrno>
#include <ctime>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/kept_errno.hpp"

namespace scratch::tasks {

// Not the C library's covers: some releases remember the number, and would go wrong after a raw
// clone.
task_id calling_thread() noexcept { return static_cast<task_id>(syscall(SYS_gettid)); }

task_id this_process() noexcept { return static_cast<task_id>(syscall(SYS_getpid)); }

bool is_first_thread() noexcept { return calling_thread() == this_process(); }

bool is_gone(task_id process, task_id thread) noexcept {
    const kept_errno keep;
    return syscall(SYS_tgkill, process, thread, 0) != 0 && errno == ESRCH;
}

std::uint64_t cpu_time_of_process() noexcept {
    const kept_errno keep;
    timespec now = {};
    if (syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &now) != 0) now = {};
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

bool order_all_threads() noexcept {
    const kept_errno keep;
    return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0;
}

} // namespace scratch::tasks
