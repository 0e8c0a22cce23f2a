// measure FILE PROGRAM [ARGS]: runs a program and appends what it and the processes it waited for
// used to FILE: "user_us system_us max_resident_kib minor_faults". Ends as the program ended.
//
// A process starts with the peak memory of the one it was forked from, so a Python program that
// starts another cannot learn the peak of a small one; this program is smaller than any it starts.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __APPLE__
static const char preload_variable[] = "DYLD_INSERT_LIBRARIES";
static const long resident_unit = 1024; // ru_maxrss is in bytes
#else
static const char preload_variable[] = "LD_PRELOAD";
static const long resident_unit = 1;
#endif

static long long microseconds(struct timeval time) {
    return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: measure FILE PROGRAM [ARGS]\n");
        return 125;
    }
    int file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) {
        fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
        return 125;
    }
    const char *preload = getenv("MEASURE_PRELOAD");
    pid_t child = fork();
    if (child == 0) {
        // Only the program is preloaded, not the one that measures it.
        if (preload != NULL && setenv(preload_variable, preload, 1) != 0) _exit(125);
        unsetenv("MEASURE_PRELOAD");
        execvp(argv[2], argv + 2);
        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
        _exit(errno == ENOENT ? 127 : 126);
    }
    if (child < 0) {
        fprintf(stderr, "measure: fork: %s\n", strerror(errno));
        return 125;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    dprintf(file, "%lld %lld %ld %ld\n", microseconds(usage.ru_utime), microseconds(usage.ru_stime),
            usage.ru_maxrss / resident_unit, usage.ru_minflt);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    return WEXITSTATUS(status);
}
