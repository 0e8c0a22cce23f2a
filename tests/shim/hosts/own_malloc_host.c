// A program with a malloc of its own, which knows its blocks: a foreign one stops it.
#define _GNU_SOURCE
#include <scratch/annotate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char arena[64 << 20] __attribute__((aligned(16)));
static size_t used;
static unsigned long live;

static void refuse(void) {
    static const char text[] = "free of what is not from this program's malloc\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) > 0) _exit(3);
    _exit(4);
}

void *malloc(size_t size) {
    const size_t whole = (size + 31) & ~(size_t)15;
    const size_t at = __atomic_fetch_add(&used, whole, __ATOMIC_RELAXED);
    if (at + whole > sizeof arena) return NULL;
    size_t *block = (size_t *)(void *)(arena + at);
    *block = size;
    __atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);
    return block + 2;
}
void free(void *payload) {
    if (payload == NULL) return;
    if ((char *)payload < arena || (char *)payload >= arena + sizeof arena) refuse();
    __atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
}
void *calloc(size_t count, size_t size) {
    void *block = malloc(count * size);
    return block == NULL ? NULL : memset(block, 0, count * size);
}
void *realloc(void *payload, size_t size) {
    void *moved = malloc(size);
    if (moved == NULL || payload == NULL) return moved;
    const size_t had = ((size_t *)payload)[-2];
    memcpy(moved, payload, had < size ? had : size);
    free(payload);
    return moved;
}

int main(void) {
    for (int round = 0; round < 50; ++round) {
        SCRATCH_REGION("region");
        char *copy = strdup("a copy by libc");
        void *tagged = scratch_alloc(100);
        void *plain = malloc(100);
        char *line = NULL;
        size_t size = 0;
        FILE *file = fopen("/proc/self/status", "r");
        while (getline(&line, &size, file) > 0) {
        }
        fclose(file);
        free(line);
        free(copy);
        scratch_free(tagged);
        scratch_free(plain);
        free(scratch_alloc(10));
    }
    if (live > 10) return 1;
    puts("own malloc");
    return 0;
}
