// The functions that hooked_calls.c calls.
#include <stdlib.h>

long bench_plain(long value);
long bench_region(long value);
long bench_trusted_region(long value);
long bench_plain_with_malloc(long value);
long bench_region_with_malloc(long value);
long bench_trusted_with_malloc(long value);

long bench_plain(long value) { return value + 1; }
long bench_region(long value) { return value + 1; }
long bench_trusted_region(long value) { return value + 1; }

static long with_malloc(long value, int frees) {
    long *volatile block = malloc(48);
    *block = value;
    const long read = *block;
    if (frees) free(block);
    return read;
}
long bench_plain_with_malloc(long value) { return with_malloc(value, 1); }
long bench_region_with_malloc(long value) { return with_malloc(value, 1); }
long bench_trusted_with_malloc(long value) { return with_malloc(value, 0); }
