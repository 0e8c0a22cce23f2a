// The limit of what a trusted region can gain: malloc is a bump of a pointer, free does nothing,
// and the end of a region puts the pointer back. One thread, no check, nothing outlives a region: a
// measure for benchmarks, not an allocator.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))
#define ARENA ((size_t)1 << 30)
// In front of each block: realloc has to know how much to copy.
#define HEADER ((size_t)16)

struct token {
    uint64_t value;
};

static char *arena;
static char *top;
static int open_regions;

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *block);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static int is_ours(const void *block) {
    return arena != NULL && (size_t)((const char *)block - arena) < ARENA;
}

EXPORT void *malloc(size_t size) {
    if (open_regions == 0) return __libc_malloc(size);
    char *const block = top + HEADER;
    *(size_t *)(void *)top = size;
    top = block + ((size + 15) & ~(size_t)15);
    return block;
}

EXPORT void free(void *block) {
    if (!is_ours(block)) __libc_free(block);
}

EXPORT void *calloc(size_t count, size_t size) {
    if (open_regions == 0) return __libc_calloc(count, size);
    return memset(malloc(count * size), 0, count * size);
}

EXPORT void *realloc(void *block, size_t size) {
    if (block != NULL && !is_ours(block)) return __libc_realloc(block, size);
    void *const moved = malloc(size);
    if (block == NULL) return moved;
    const size_t old = *(size_t *)(void *)((char *)block - HEADER);
    return memcpy(moved, block, old < size ? old : size);
}

EXPORT struct token scratch_annotate_region_enter_v1(const char *name, unsigned flags) {
    (void)name;
    (void)flags;
    if (arena == NULL)
        top = arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    open_regions++;
    return (struct token){(uint64_t)(uintptr_t)top};
}

EXPORT void scratch_annotate_region_leave_v1(struct token token) {
    top = (char *)(uintptr_t)token.value; // NOLINT(performance-no-int-to-ptr)
    open_regions--;
}
