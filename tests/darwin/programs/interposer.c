// To be inserted: counts what the program and the system take from malloc.
#include "darwin.h"

static int taken;
static int given_back;
int calls_of_own;

static void *counted_malloc(size_t size) {
    ++taken;
    return malloc(size);
}
static void counted_free(void *block) {
    if (block != NULL) ++given_back;
    free(block);
}

__attribute__((used, section("__DATA,__interpose"))) static struct {
    const void *to;
    const void *from;
} interposed[] = {{(const void *)counted_malloc, (const void *)malloc},
                  {(const void *)counted_free, (const void *)free}};

__attribute__((constructor)) static void start(void) {
    puts("interposer");
    // Its own calls are not interposed, or this would be counted.
    free(malloc(1));
}

void tell_counts(void) { printf("taken %d, given back %d\n", taken, given_back); }
