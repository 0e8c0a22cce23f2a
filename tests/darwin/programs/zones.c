// A zone of the program's own: who frees its blocks finds it.
#include "darwin.h"

struct zone {
    void *reserved[2];
    size_t (*size)(struct zone *zone, const void *block);
    void *(*malloc)(struct zone *zone, size_t size);
    void *(*calloc)(struct zone *zone, size_t count, size_t size);
    void *(*valloc)(struct zone *zone, size_t size);
    void (*free)(struct zone *zone, void *block);
    void *(*realloc)(struct zone *zone, void *block, size_t size);
    void (*destroy)(struct zone *zone);
    const char *name;
    void *others[3];
    unsigned version;
    void *further[4];
};
void malloc_zone_register(struct zone *zone);
void malloc_zone_unregister(struct zone *zone);
struct zone *malloc_zone_from_ptr(const void *block);
struct zone *malloc_default_zone(void);

static char own_block[64];
static int freed;

static size_t own_size(struct zone *zone, const void *block) {
    (void)zone;
    return block == own_block ? sizeof own_block : 0;
}
static void own_free(struct zone *zone, void *block) {
    (void)zone;
    REQUIRE(block == own_block);
    ++freed;
}

int main(int count, char **arguments) {
    (void)arguments;
    static struct zone zone = {.size = own_size, .free = own_free, .name = "own"};
    malloc_zone_register(&zone);
    REQUIRE(malloc_size(own_block) == 64);
    REQUIRE(malloc_zone_from_ptr(own_block) == &zone);
    free(own_block);
    REQUIRE(freed == 1);
    char *const block = malloc(100);
    REQUIRE(malloc_size(block) >= 100 && malloc_zone_from_ptr(block) != &zone);
    REQUIRE(malloc_size(block + 16) == 0 && malloc_zone_from_ptr(&zone) == NULL);
    free(block);
    REQUIRE(malloc_size(block) == 0);
    struct zone *const usual = malloc_default_zone();
    void *const other = usual->malloc(usual, 10);
    free(other);
    malloc_zone_unregister(&zone);
    REQUIRE(malloc_size(own_block) == 0);
    puts("ok");
    fflush(__stdoutp);
    if (count > 1) free(own_block);
    return 0;
}
