// What a call of a hooked function costs: nanoseconds a call, the best of many rounds. Run without
// the hook object for the plain call, and with it: bench_hooks.py does both. With the name of a
// function and a number it only calls that one so often, for who counts the instructions.
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// In the library beside, and hooked.
long bench_region(long value);
long bench_trusted_region(long value);
long bench_region_with_malloc(long value);
long bench_trusted_with_malloc(long value);
// The same, hooked as nothing.
long bench_plain(long value);
long bench_plain_with_malloc(long value);

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void measure(const char *name, long (*volatile *function)(long)) {
    enum { rounds = 60, calls = 20000 };
    double best = 1e9;
    for (int round = 0; round < rounds; ++round) {
        const double begin = now();
        long (*called)(long) = *function;
        for (long i = 0; i < calls; ++i)
            called(i);
        const double each = (now() - begin) / calls;
        if (each < best) best = each;
    }
    printf("%-32s %7.2f\n", name, best);
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        long (*volatile function)(long);
    } functions[] = {
        {"plain", bench_plain},
        {"region", bench_region},
        {"trusted region", bench_trusted_region},
        {"plain, malloc and free", bench_plain_with_malloc},
        {"region, malloc and free", bench_region_with_malloc},
        {"trusted region, malloc", bench_trusted_with_malloc},
    };
    for (unsigned i = 0; i < sizeof functions / sizeof *functions; ++i) {
        if (count < 3) {
            measure(functions[i].name, (long (*volatile *)(long)) & functions[i].function);
        } else if (strcmp(arguments[1], functions[i].name) == 0) {
            for (long call = atol(arguments[2]); call > 0; --call)
                functions[i].function(call);
        }
    }
    return 0;
}
