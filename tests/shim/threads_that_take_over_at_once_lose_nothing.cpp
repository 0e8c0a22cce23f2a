// Two new threads that take over what a dead one left, at the same time, both go on, and nothing is
// lost. Linux only: filters of system calls make the kernel slow here.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>
#include <ucontext.h>
#include <unistd.h>

#include "scenario.hpp"
#include "scratch_memory.hpp"
#include "short_life.hpp"

namespace {

#if defined(__x86_64__) // the registers are its own

// A kernel that takes its time: the first of two new threads takes over a dead one's blocks, and
// waits for memory meanwhile, when the second one hears that the dead one is gone.
std::atomic<int> found_gone{0};

void answer_late(int, siginfo_t *info, void *context) {
    auto &registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
    const int saved_errno = errno;
    long answer = 0;
    if (info->si_syscall == SYS_tgkill) {
        answer = syscall(SYS_tkill, registers[REG_RSI], 0) == 0 ? 0 : -errno;
        const int before = answer == 0 ? 2 : found_gone.fetch_add(1);
        if (before < 2) usleep(before == 0 ? 2000 : 5000);
    } else {
        usleep(8000);
        answer = syscall(SYS_pkey_mprotect, registers[REG_RDI], registers[REG_RSI],
                         registers[REG_RDX], -1) == 0
                     ? 0
                     : -errno;
    }
    registers[REG_RAX] = answer;
    errno = saved_errno;
}

bool answer_late_from_now_on() {
    struct sigaction action = {};
    action.sa_sigaction = answer_late;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(SIGSYS, &action, nullptr) != 0) return false;
    // Whether a thread is there (signal 0), and memory for one chunk.
    sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 65536, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter = {std::size(steps), steps};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

SCENARIO(taken_over_at_once) {
    start_of_scratch_memory();
    constexpr int rounds = 30;
    static void *kept[rounds][2];
    const auto life = [](void **block) { *block = scratch_alloc(1000); };
    void *first = nullptr;
    std::thread(life, &first).join();
    if (!answer_late_from_now_on()) return 77;
    for (auto &of_round : kept) {
        found_gone.store(0);
        std::thread one(life, &of_round[0]);
        std::thread other(life, &of_round[1]);
        one.join();
        other.join();
    }
    for (auto &of_round : kept)
        for (void *block : of_round)
            scratch_free(block);
    scratch_free(first);
    for (unsigned number = 0; number < 16; ++number)
        std::thread(short_life, number).join();
    return 0;
}

TEST(thread, two_that_take_over_at_once_lose_nothing) {
    const outcome result = run(taken_over_at_once);
    if (result.exited_with(77)) GTEST_SKIP() << "LOUDLY SKIPPED: no seccomp filters here";
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_LE(result.count("chunk_bytes"), 512u << 10);
}

#endif

} // namespace
