// After warm-up no push, pop, scope, thread's stack or frame calls the system: shown under a filter
// that ends the process at the first call other than exit.
#include "made_stack.hpp"

#include <cstddef>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// Only exit_group from now on; anything else ends the process by SIGSYS. False where that is
/// refused.
bool forbid_system_calls() {
    sock_filter filter[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_exit_group},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS},
    };
    const sock_fprog program{sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

void work(scratch_stack *stack, scratch_frames *frames) {
    scratch_stack *const own = scratch_this_thread();
    scratch_stack *const further = scratch_avoiding(&own, 1);
    for (int turn = 0; turn < 1000; ++turn) {
        SCRATCH_SCOPE(stack);
        SCRATCH_SCOPE(own);
        SCRATCH_SCOPE(further);
        for (std::size_t size = 0; size < 20000; size += 777) {
            scratch_push(stack, size, 16);
            scratch_push_zero(further, size, 64);
            scratch_defer(
                own, [](void *) {}, nullptr);
            void *block = scratch_push(own, size, 256);
            block = scratch_resize(own, block, size, 2 * size, 16);
            EXPECT_TRUE(scratch_pop(own, block, 2 * size));
            scratch_give_back(stack, scratch_push(stack, 1, 1), 1);
        }
        scratch_printf(scratch_frames_begin(frames), "turn %d", turn);
    }
}

TEST(warm_stacks, make_no_system_calls) {
    if (watched_by_a_checker() || with_thread_sanitizer)
        GTEST_SKIP() << "a checker makes calls of its own";
    const pid_t child = fork();
    if (child == 0) {
        made_stack stack;
        scratch_frames *const frames = scratch_frames_create(2, nullptr);
        work(stack, frames);
        if (!forbid_system_calls()) _exit(77);
        work(stack, frames);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no seccomp filters here";
    EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace
