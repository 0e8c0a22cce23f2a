#include "core/tasks.hpp"

#include <cerrno>
#include <ctime>

#include <libproc.h>
#include <pthread.h>
#include <sys/proc_info.h>
#include <unistd.h>

#include "core/kept_errno.hpp"

namespace scratch::tasks {
namespace {

// The kernel's numbers of threads have 64 bits, begin anew with each start of the system and are
// never used twice. Their low halves serve, as long as a number is completed to the right one.
constexpr int low_bits = 32;

// Stands for the few numbers whose low halves mean something else to those who keep them (0 and the
// last ones). A thread of this number is never called gone.
constexpr task_id any_of_the_few = 1;
constexpr task_id last_of_the_ordinary = ~task_id{0} - 16;

std::uint64_t whole_number_of_this_thread() noexcept {
    std::uint64_t number = 0;
    pthread_threadid_np(nullptr, &number);
    return number;
}

bool is_gone_for_sure(task_id process, std::uint64_t thread) noexcept {
    proc_threadinfo told;
    errno = 0;
    return proc_pidinfo(static_cast<int>(process), PROC_PIDTHREADID64INFO, thread, &told,
                        sizeof told) <= 0 &&
           errno == ESRCH;
}

} // namespace

task_id calling_thread() noexcept {
    const auto low = static_cast<task_id>(whole_number_of_this_thread());
    return low <= any_of_the_few || low > last_of_the_ordinary ? any_of_the_few : low;
}

task_id this_process() noexcept { return static_cast<task_id>(getpid()); }

bool is_first_thread() noexcept { return pthread_main_np() != 0; }

bool is_gone(task_id process, task_id thread) noexcept {
    if (thread == any_of_the_few) return false;
    const kept_errno keep;
    const std::uint64_t own = whole_number_of_this_thread();
    const std::uint64_t turns = own >> low_bits;
    // Of a thread older than this one the upper half may be one less.
    bool gone = is_gone_for_sure(process, turns << low_bits | thread);
    if (gone && turns != 0) gone = is_gone_for_sure(process, (turns - 1) << low_bits | thread);
    // Of a younger one it may be one more.
    if (gone && static_cast<task_id>(own) > last_of_the_ordinary / 2)
        gone = is_gone_for_sure(process, (turns + 1) << low_bits | thread);
    return gone;
}

std::uint64_t cpu_time_of_process() noexcept {
    const kept_errno keep;
    timespec now = {};
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) now = {};
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

// The system has no such call: that other processors flush their translations when pages are
// protected orders their stores on x86 alone.
bool order_all_threads() noexcept { return false; }

} // namespace scratch::tasks
