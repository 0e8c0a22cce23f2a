// The malloc family in every way, with and without a shim inserted: contents, sizes and alignments,
// regions, frees from other threads, fork. Prints ok; with a shim, SCRATCH_STATS tells how many
// regions there were.
#include "darwin.h"

int posix_memalign(void **block, size_t alignment, size_t size);
void *reallocf(void *block, size_t size);
void *malloc_zone_from_ptr(const void *block);

typedef struct {
    uint64_t word;
} region_token;
typedef region_token enter_function(const char *name, unsigned flags);
typedef void leave_function(region_token token);

enum { blocks = 600, rounds = 20, threads = 4 };

static int is_filled(const unsigned char *block, unsigned char with, size_t size) {
    for (size_t at = 0; at < size; ++at)
        if (block[at] != with) return 0;
    return 1;
}

static void use_family(void) {
    static const size_t sizes[] = {0, 1, 15, 16, 100, 1000, 5000, 70000, 3000000};
    for (size_t index = 0; index < sizeof sizes / sizeof *sizes; ++index) {
        const size_t size = sizes[index];
        unsigned char *block = malloc(size);
        REQUIRE(block != NULL && (uintptr_t)block % 16 == 0 && malloc_size(block) >= size);
        REQUIRE(malloc_zone_from_ptr(block) != NULL);
        memset(block, 7, size);
        block = realloc(block, size * 2 + 10);
        REQUIRE(block != NULL && is_filled(block, 7, size));
        block = reallocf(block, size / 2 + 1);
        REQUIRE(block != NULL && is_filled(block, 7, size / 2));
        free(block);
        unsigned char *const zero = calloc(size, 1);
        REQUIRE(zero != NULL && is_filled(zero, 0, size));
        free(zero);
        void *aligned = NULL;
        REQUIRE(posix_memalign(&aligned, 4096, size) == 0 && (uintptr_t)aligned % 4096 == 0);
        free(aligned);
    }
    void *refused = NULL;
    REQUIRE(posix_memalign(&refused, 3, 10) == 22 && refused == NULL);
    errno = 0;
    REQUIRE(malloc((size_t)-100) == NULL && errno == 12);
    char *const text = strdup("from the system");
    REQUIRE(strcmp(text, "from the system") == 0);
    free(text);
    free(NULL);
}

// In an order that is none, with contents looked at.
static void use_many(unsigned seed) {
    unsigned char *held[blocks] = {0};
    size_t sizes[blocks];
    for (int turn = 0; turn < 4 * blocks; ++turn) {
        seed = seed * 1103515245u + 12345u;
        const unsigned at = (seed >> 8) % blocks;
        if (held[at] != NULL) {
            REQUIRE(is_filled(held[at], (unsigned char)at, sizes[at]));
            free(held[at]);
            held[at] = NULL;
        } else {
            sizes[at] = (seed >> 16) % 2000;
            held[at] = malloc(sizes[at]);
            REQUIRE(held[at] != NULL);
            memset(held[at], (int)at, sizes[at]);
        }
    }
    for (int at = 0; at < blocks; ++at)
        free(held[at]);
}

static void use_region(unsigned seed) {
    enter_function *const enter = (enter_function *)dlsym(RTLD_DEFAULT, "scratch_region_enter");
    leave_function *const leave = (leave_function *)dlsym(RTLD_DEFAULT, "scratch_region_leave");
    if (enter == NULL || leave == NULL) {
        use_many(seed);
        return;
    }
    const region_token token = enter("all", 0);
    unsigned char *const survivor = malloc(500);
    memset(survivor, 3, 500);
    use_family();
    use_many(seed);
    leave(token);
    // A counted region gives back only what was freed.
    use_many(seed + 1);
    REQUIRE(is_filled(survivor, 3, 500));
    free(survivor);
}

static void *given[threads][blocks];

static void *work(void *number) {
    const unsigned own = (unsigned)(uintptr_t)number;
    for (unsigned round = 0; round < rounds; ++round)
        use_region(own * 100 + round);
    for (int at = 0; at < blocks; ++at) {
        given[own][at] = malloc(200);
        memset(given[own][at], (int)own, 200);
    }
    return NULL;
}

int main(void) {
    use_family();
    use_region(1);
    pthread_t all[threads];
    for (uintptr_t index = 0; index < threads; ++index)
        REQUIRE(pthread_create(&all[index], NULL, work, (void *)index) == 0);
    for (int index = 0; index < threads; ++index)
        REQUIRE(pthread_join(all[index], NULL) == 0);
    // Of threads that are gone, in a child and here.
    for (int turn = 0; turn < 2; ++turn) {
        const int child = turn == 0 ? fork() : -1;
        if (child > 0) {
            int status = 1;
            REQUIRE(waitpid(child, &status, 0) == child && status == 0);
            continue;
        }
        for (int index = 0; index < threads; ++index)
            for (int at = 0; at < blocks; ++at) {
                REQUIRE(is_filled(given[index][at], (unsigned char)index, 200));
                free(given[index][at]);
            }
        use_region(99);
        if (child == 0) _exit(0);
    }
    puts("ok");
    return 0;
}
