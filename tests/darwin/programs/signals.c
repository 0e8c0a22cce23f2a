// Signals by macOS's numbers. What may not be touched is SIGBUS, what is not there SIGSEGV.
#include "darwin.h"

static jmp_buf back;
static volatile int number;
static void *volatile address;

static void note(int signal, struct siginfo *what, void *context) {
    (void)context;
    number = signal;
    address = what->address;
    longjmp(back, 1);
}

static void touch(char *where, int expected) {
    number = 0;
    if (setjmp(back) == 0) *where = 1;
    REQUIRE(number == expected && address == where);
}

static int end_of_child(char *where, int signal) {
    int status = 0;
    const int child = fork();
    if (child == 0) {
        if (where != NULL) *where = 1;
        if (signal != 0) raise(signal);
        _exit(5);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

int main(void) {
    char *const memory = mmap(NULL, 8192, 3, MAP_PRIVATE | MAP_ANON, -1, 0);
    REQUIRE(mprotect(memory, 4096, 0) == 0);
    REQUIRE(munmap(memory + 4096, 4096) == 0);
    REQUIRE((end_of_child(memory, 0) & 0x7f) == SIGBUS);
    REQUIRE((end_of_child(memory + 4096, 0) & 0x7f) == SIGSEGV);
    REQUIRE((end_of_child(NULL, SIGUSR1) & 0x7f) == SIGUSR1);
    REQUIRE(end_of_child(NULL, 0) == 5 << 8);

    const struct sigaction action = {note, 0, SA_SIGINFO};
    REQUIRE(sigaction(SIGBUS, &action, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
    touch(memory + 8, SIGBUS);
    touch(memory + 4096 + 8, SIGSEGV);
    // Again: longjmp gave the signal free.
    touch(memory + 16, SIGBUS);
    struct sigaction old;
    REQUIRE(sigaction(SIGUSR1, &action, &old) == 0 && old.handler == NULL);
    number = 0;
    if (setjmp(back) == 0) raise(SIGUSR1);
    REQUIRE(number == SIGUSR1);
    puts("ok");
    return 0;
}
