// The part of hostile.cpp with handlers of the program's own, and with faults that are ignored.
#include <array>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "hostile.hpp"

namespace {

sigjmp_buf back;
volatile int handled;

void jump_back(int, siginfo_t *, void *) {
    handled = handled + 1;
    siglongjmp(back, 1);
}
void jump_back_plainly(int) {
    handled = handled + 100;
    siglongjmp(back, 1);
}
NOINLINE void fault() { *hidden(reinterpret_cast<volatile int *>(8)) = 1; }
NOINLINE int recurse(int depth) {
    volatile char room[4096];
    room[0] = static_cast<char>(depth);
    return depth < 0 ? 0 : recurse(hidden(depth + 1)) + room[0];
}

} // namespace

int own_fault_handlers() {
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    struct sigaction action = {};
    struct sigaction seen = {};
    action.sa_sigaction = jump_back;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGSEGV, nullptr, &seen);
    std::printf("mine %d, flags %x\n", seen.sa_sigaction == jump_back, seen.sa_flags);
    for (int i = 0; i < 3; ++i)
        if (sigsetjmp(back, 1) == 0) fault();
    std::printf("handled %d\n", handled);
    const auto before = signal(SIGSEGV, jump_back_plainly);
    std::printf("before %d\n",
                reinterpret_cast<void *>(before) == reinterpret_cast<void *>(jump_back));
    if (sigsetjmp(back, 1) == 0) fault();
    std::printf("handled %d\n", handled);

    std::vector<char> room(65536);
    stack_t stack = {};
    stack.ss_sp = room.data();
    stack.ss_size = room.size();
    sigaltstack(&stack, nullptr);
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, nullptr);
    if (sigsetjmp(back, 1) == 0) recurse(1);
    std::printf("overflow of the stack handled %d\n", handled);

    sigset_t faults;
    sigset_t mask;
    sigemptyset(&faults);
    sigaddset(&faults, SIGSEGV);
    sigprocmask(SIG_BLOCK, &faults, &mask);
    std::printf("was blocked %d\n", sigismember(&mask, SIGSEGV));
    sigprocmask(SIG_BLOCK, nullptr, &mask);
    std::printf("is blocked %d\n", sigismember(&mask, SIGSEGV));
    raise(SIGSEGV);
    std::puts("it waits");
    if (sigsetjmp(back, 1) == 0) {
        sigprocmask(SIG_UNBLOCK, &faults, nullptr);
        std::puts("not reached");
    }
    std::printf("handled %d\n", handled);
    // The jump went back to where it was blocked.
    sigprocmask(SIG_UNBLOCK, &faults, nullptr);
    signal(SIGSEGV, SIG_IGN);
    raise(SIGSEGV);
    std::puts("ignored");
    action.sa_flags = SA_SIGINFO | static_cast<int>(SA_RESETHAND);
    sigaction(SIGSEGV, &action, nullptr);
    if (sigsetjmp(back, 1) == 0) raise(SIGSEGV);
    sigaction(SIGSEGV, nullptr, &seen);
    std::printf("handled %d, then by default %d\n", handled, seen.sa_handler == SIG_DFL);
    fault();
    return 0;
}
// What is ignored stays so in the next program, by each of the calls that may begin it; one that
// fails changes nothing.
int ignored_in_the_next_program() {
    signal(SIGSEGV, SIG_IGN);
    execl("/nowhere", "again", nullptr);
    raise(SIGSEGV);
    struct sigaction seen = {};
    sigaction(SIGSEGV, nullptr, &seen);
    std::printf("ignored %d\n", seen.sa_handler == SIG_IGN);
    keep_beyond_scope(100);
    use_kept();
    std::fflush(stdout);
    const char *path = "/proc/self/exe";
    char *const arguments[] = {const_cast<char *>("again"), const_cast<char *>("is_fault_ignored"),
                               nullptr};
    for (int way = 0; way < 8; ++way) {
        const pid_t child = way % 2 == 0 ? fork() : vfork();
        if (child == 0) {
            switch (way) {
            case 0:
                execl(path, "again", "is_fault_ignored", nullptr);
                break;
            case 1:
                execlp(path, "again", "is_fault_ignored", nullptr);
                break;
            case 2:
                execle(path, "again", "is_fault_ignored", nullptr, environ);
                break;
            case 3:
                execv(path, arguments);
                break;
            case 4:
                execvp(path, arguments);
                break;
            case 5:
                execve(path, arguments, environ);
                break;
            case 6:
                execvpe(path, arguments, environ);
                break;
            case 7:
                fexecve(open(path, O_RDONLY), arguments, environ);
                break;
            }
            _exit(1);
        }
        waitpid(child, nullptr, 0);
    }
    // A handler is not passed on, nor what stands before it.
    signal(SIGSEGV, jump_back_plainly);
    execv(path, arguments);
    return 1;
}
int is_fault_ignored() {
    const auto handler = signal(SIGSEGV, SIG_DFL);
    std::printf("the next: ignored %d, default %d\n", handler == SIG_IGN, handler == SIG_DFL);
    return 0;
}
int dies_of_fault() {
    fault();
    return 0;
}
int dies_of_sent_fault() {
    raise(SIGSEGV);
    return 0;
}
int dies_of_deep_recursion() { return recurse(1); }
int dies_of_fault_while_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    struct sigaction action = {};
    action.sa_sigaction = jump_back;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    fault();
    return 0;
}

// Ignored by who started it, as shells' trap '' SEGV does.
int ignored_since_start() {
    struct sigaction seen = {};
    sigaction(SIGSEGV, nullptr, &seen);
    std::printf("ignored %d\n", seen.sa_handler == SIG_IGN);
    raise(SIGSEGV);
    kill(getpid(), SIGSEGV);
    std::printf("sent ones do nothing\n");
    const auto before = signal(SIGSEGV, jump_back_plainly);
    if (sigsetjmp(back, 1) == 0) fault();
    std::printf("handled %d, was ignored %d\n", handled, before == SIG_IGN);
    signal(SIGSEGV, SIG_IGN);
    std::fflush(stdout);
    fault();
    return 0;
}

int vfork_child_sets_default() {
    signal(SIGSEGV, [](int) { _exit(9); });
    if (const pid_t child = vfork(); child == 0) {
        signal(SIGSEGV, SIG_DFL);
        _exit(0);
    } else {
        waitpid(child, nullptr, 0);
    }
    *static_cast<volatile int *>(nullptr) = 1;
    return 0;
}

// A use where faults are hard to survive.
int use_with_all_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    keep_beyond_scope(100);
    use_kept();
    return 0;
}
static void use_in_handler(int) { use_kept(); }
int use_in_handler_that_blocks_all() {
    struct sigaction action = {};
    action.sa_handler = use_in_handler;
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, nullptr);
    struct sigaction seen;
    sigaction(SIGUSR1, nullptr, &seen);
    std::printf("mask kept %d\n", sigismember(&seen.sa_mask, SIGSEGV));
    keep_beyond_scope(100);
    raise(SIGUSR1);
    return 0;
}
int use_on_small_stack() {
    static std::array<char, 16384> room;
    stack_t stack = {};
    stack.ss_sp = room.data();
    stack.ss_size = room.size();
    sigaltstack(&stack, nullptr);
    struct sigaction action = {};
    action.sa_handler = use_in_handler;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, nullptr);
    action.sa_handler = jump_back_plainly;
    sigaction(SIGSEGV, &action, nullptr);
    keep_beyond_scope(100);
    raise(SIGUSR1);
    return 0;
}
