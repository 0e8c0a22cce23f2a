// Three shapes that temporary memory has, made of unmodified malloc and free:
//
//     malloc_patterns PATTERN ROUNDS [none|counted|trusted] [calls|empty|taken] [SIZE]
//
// PATTERN   pairs: 64 times malloc, free
//           reversed: 64 mallocs, then their frees in the reverse order
//           ordered: 64 mallocs, then their frees in the same order
// region    one region around all rounds
// calls     malloc and free (the default)
// empty     the same loops without the two calls: what to subtract
// taken     malloc only, nothing is given back (for the cost of malloc alone)
// SIZE      bytes of each block; without it, sixteen sizes from 16 to 480 in turn
#include <scratch/annotate.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { blocks = 64, sizes = 16 };

static size_t size_of[sizes] = {32, 16,  112, 48, 24,  480, 64,  40,
                                16, 200, 80,  24, 320, 56,  136, 96};
static void *taken[blocks];
static char nothing[512];

// The compiler may neither know what a block is nor drop a pair of calls.
static inline void *opaque(void *block) {
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

// One loop for each pattern, from the two operations. Each block is written to.
#define PATTERNS(kind, TAKE, GIVE)                                                                 \
    __attribute__((noinline)) static void pairs_##kind(unsigned long rounds) {                     \
        for (unsigned long round = 0; round < rounds; round++)                                     \
            for (unsigned i = 0; i < blocks; i++) {                                                \
                char *const block = (char *)opaque(TAKE(size_of[i % sizes]));                      \
                *block = 1;                                                                        \
                taken[i] = block;                                                                  \
                GIVE(taken[i]);                                                                    \
            }                                                                                      \
    }                                                                                              \
    __attribute__((noinline)) static void reversed_##kind(unsigned long rounds) {                  \
        for (unsigned long round = 0; round < rounds; round++) {                                   \
            for (unsigned i = 0; i < blocks; i++) {                                                \
                char *const block = (char *)opaque(TAKE(size_of[i % sizes]));                      \
                *block = 1;                                                                        \
                taken[i] = block;                                                                  \
            }                                                                                      \
            for (unsigned i = blocks; i-- > 0;)                                                    \
                GIVE(taken[i]);                                                                    \
        }                                                                                          \
    }                                                                                              \
    __attribute__((noinline)) static void ordered_##kind(unsigned long rounds) {                   \
        for (unsigned long round = 0; round < rounds; round++) {                                   \
            for (unsigned i = 0; i < blocks; i++) {                                                \
                char *const block = (char *)opaque(TAKE(size_of[i % sizes]));                      \
                *block = 1;                                                                        \
                taken[i] = block;                                                                  \
            }                                                                                      \
            for (unsigned i = 0; i < blocks; i++)                                                  \
                GIVE(taken[i]);                                                                    \
        }                                                                                          \
    }

#define KEEP(block) ((void)opaque(block))
#define NOTHING(size) ((void)opaque((void *)(size)), nothing)
PATTERNS(calls, malloc, free)
PATTERNS(empty, NOTHING, KEEP)
PATTERNS(taken, malloc, KEEP)

typedef void pattern(unsigned long rounds);
static const struct {
    const char *name;
    pattern *kinds[3];
} patterns[] = {
    {"pairs", {pairs_calls, pairs_empty, pairs_taken}},
    {"reversed", {reversed_calls, reversed_empty, reversed_taken}},
    {"ordered", {ordered_calls, ordered_empty, ordered_taken}},
};
static const char *const kind_names[] = {"calls", "empty", "taken"};

static pattern *find(const char *name, const char *kind) {
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        for (size_t k = 0; k < sizeof kind_names / sizeof *kind_names; k++)
            if (strcmp(patterns[i].name, name) == 0 && strcmp(kind_names[k], kind) == 0)
                return patterns[i].kinds[k];
    return NULL;
}

int main(int count, char **arguments) {
    const char *const region = count > 3 ? arguments[3] : "none";
    pattern *const run = count > 2 ? find(arguments[1], count > 4 ? arguments[4] : "calls") : NULL;
    if (run == NULL) {
        fprintf(stderr,
                "usage: %s pairs|reversed|ordered ROUNDS [none|counted|trusted] "
                "[calls|empty|taken] [SIZE]\n",
                arguments[0]);
        return 2;
    }
    if (count > 5)
        for (int i = 0; i < sizes; i++)
            size_of[i] = strtoul(arguments[5], NULL, 10);
    const unsigned long rounds = strtoul(arguments[2], NULL, 10);

    if (strcmp(region, "none") == 0) {
        run(rounds);
    } else {
        SCRATCH_REGION("patterns",
                       strcmp(region, "trusted") == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
        run(rounds);
    }
    return 0;
}
