// The bare bump pointer (bare_bump.c) with what an allocator for every program cannot leave out,
// one thing more with each STEP: what share of the cost can be removed at all? As that one, a
// measure for benchmarks: one thread, regions that do not nest, blocks that nobody keeps.
//
//   1  headers of 8 bytes instead of 16
//   2  the end of the memory is looked at, and sizes that would wrap
//   3  each thread has words of its own, behind an initial-exec pointer
//   4  callers are looked up: the runtime's go to libc
//   5  blocks are marked, and free finds those that are not live
//   6  a word says that a push is under way, for signal handlers
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))
#define INSIDE __attribute__((visibility("hidden")))
#define ARENA ((size_t)1 << 30)
#define HEADER ((size_t)8)
#define LARGEST ((size_t)64 << 20)
#define LIVE ((uint64_t)0x6b1c9e35)

struct token {
    uint64_t value;
};

struct words {
    char *top;
    char *limit;
    uintptr_t inside;
};

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *block);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static char *arena;
static size_t reserved;
static struct words region;
#if STEP >= 3
static struct words no_region = {NULL, NULL, 1};
static __thread struct words *open_words __attribute__((tls_model("initial-exec"))) = &no_region;
#else
static int open_regions;
#endif
// Written by nobody here, and the compiler may not know.
INSIDE unsigned char runtime_granules[65536];

static int is_ours(const void *block) { return (size_t)((const char *)block - arena) < reserved; }

static inline int must_pass(const struct words *words, size_t size, uint16_t granule) {
#if STEP >= 6
    if (words->inside != 0) return 1;
#endif
#if STEP >= 4
    if (runtime_granules[granule] != 0) return 1;
#endif
#if STEP >= 2
    if (size > LARGEST) return 1;
#endif
    (void)words;
    (void)size;
    (void)granule;
    return 0;
}

static inline void *push(struct words *words, size_t size) {
#if STEP >= 6
    __asm__ volatile("movq %%rsp, %0" : "=m"(words->inside)::"memory");
#endif
    char *const header = words->top;
    char *const end = header + ((size + HEADER + 15) & ~(size_t)15);
#if STEP >= 2
    if (end > words->limit) {
        words->inside = 0;
        return __libc_malloc(size);
    }
#endif
    words->top = end;
    // Both halves of the header by one store.
    *(uint64_t *)(void *)header = (uint64_t)size << 32 | (STEP >= 5 ? LIVE : 0);
#if STEP >= 6
    __asm__ volatile("" ::: "memory");
    words->inside = 0;
#endif
    return header + HEADER;
}

#if STEP >= 4
#define CALLER_GRANULE ((const uint16_t *)__builtin_dwarf_cfa())[-3]
#else
#define CALLER_GRANULE 0
#endif

static inline __attribute__((always_inline)) void *allocate(size_t size, uint16_t granule) {
#if STEP >= 3
    struct words *const words = open_words;
    if (STEP < 6 && words == &no_region) return __libc_malloc(size);
#else
    struct words *const words = &region;
    if (open_regions == 0) return __libc_malloc(size);
#endif
    return must_pass(words, size, granule) ? __libc_malloc(size) : push(words, size);
}

EXPORT void *malloc(size_t size) { return allocate(size, CALLER_GRANULE); }

EXPORT void free(void *block) {
    if (!is_ours(block)) {
        __libc_free(block);
        return;
    }
#if STEP >= 5
    _Bool was_live;
    uint32_t *const state = (uint32_t *)(void *)((char *)block - HEADER);
    __asm__ volatile("xorl %[live], %[state]"
                     : [state] "+m"(*state), "=@ccz"(was_live)
                     : [live] "i"(LIVE)
                     : "memory");
    if (!was_live) abort();
#endif
}

EXPORT void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return __libc_calloc(count, size);
    void *const block = allocate(bytes, CALLER_GRANULE);
    return block == NULL ? NULL : memset(block, 0, bytes);
}

EXPORT void *realloc(void *block, size_t size) {
    if (block != NULL && !is_ours(block)) return __libc_realloc(block, size);
    void *const moved = allocate(size, CALLER_GRANULE);
    if (block == NULL || moved == NULL) return moved;
    const size_t old = ((const uint32_t *)(const void *)((const char *)block - HEADER))[1];
    return memcpy(moved, block, old < size ? old : size);
}

EXPORT struct token scratch_annotate_region_enter_v1(const char *name, unsigned flags) {
    (void)name;
    (void)flags;
    if (arena == NULL) {
        void *const mapped = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED) abort();
        arena = mapped;
        reserved = ARENA;
        region.top = arena + 16 - HEADER;
        region.limit = arena + ARENA;
    }
#if STEP >= 3
    open_words = &region;
#else
    open_regions++;
#endif
    return (struct token){(uint64_t)(uintptr_t)region.top};
}

EXPORT void scratch_annotate_region_leave_v1(struct token token) {
    region.top = (char *)(uintptr_t)token.value; // NOLINT(performance-no-int-to-ptr)
#if STEP >= 3
    open_words = &no_region;
#else
    open_regions--;
#endif
}
