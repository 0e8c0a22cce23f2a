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
    void *batches[2];
    struct introspection *introspection;
    unsigned version;
    void *further[4];
};
struct introspection {
    void *enumerator;
    size_t (*good_size)(struct zone *zone, size_t size);
    int (*check)(struct zone *zone);
    void *print, *log;
    void (*force_lock)(struct zone *zone);
    void (*force_unlock)(struct zone *zone);
    void *statistics, *is_locked, *discharges[4];
    void (*reinit_lock)(struct zone *zone);
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

static int locked, unlocked, made_anew;
static void lock(struct zone *zone) { locked += zone->free == own_free; }
static void unlock(struct zone *zone) { unlocked += zone->free == own_free; }
static void make_anew(struct zone *zone) { made_anew += zone->free == own_free; }

// fork takes the locks of all zones; a child has them made anew, by those that can.
static void fork_with(struct zone *zone, unsigned version) {
    zone->version = version;
    locked = unlocked = made_anew = 0;
    const int child = fork();
    if (child == 0) _exit(locked == 1 && (version >= 9 ? made_anew : unlocked) == 1 ? 0 : 1);
    int status = 1;
    REQUIRE(waitpid(child, &status, 0) == child && status == 0);
    REQUIRE(locked == 1 && unlocked == 1 && made_anew == 0);
}

int main(int count, char **arguments) {
    (void)arguments;
    static struct introspection introspection = {
        .force_lock = lock, .force_unlock = unlock, .reinit_lock = make_anew};
    static struct zone zone = {
        .size = own_size, .free = own_free, .name = "own", .introspection = &introspection};
    malloc_zone_register(&zone);
    REQUIRE(malloc_size(own_block) == 64);
    REQUIRE(malloc_zone_from_ptr(own_block) == &zone);
    free(own_block);
    REQUIRE(freed == 1);
    fork_with(&zone, 8);
    fork_with(&zone, 9);
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
