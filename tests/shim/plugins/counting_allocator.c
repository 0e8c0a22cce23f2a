// An allocator behind the shim: counts the calls that reach it, and serves them by libc.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __GLIBC__
// Its dlsym allocates.
void *__libc_malloc(size_t size);
void __libc_free(void *block);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
#else
#define __libc_malloc(size) ((void *(*)(size_t))dlsym(RTLD_NEXT, "malloc"))(size)
#define __libc_free(block) ((void (*)(void *))dlsym(RTLD_NEXT, "free"))(block)
#define __libc_calloc(count, size)                                                                 \
    ((void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc"))(count, size)
#define __libc_realloc(block, size)                                                                \
    ((void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc"))(block, size)
#define __libc_memalign(alignment, size)                                                           \
    ((void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "memalign"))(alignment, size)
#endif

static unsigned calls;

void *malloc(size_t size) {
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return __libc_malloc(size);
}
void free(void *block) { __libc_free(block); }
void *calloc(size_t count, size_t size) {
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return __libc_realloc(block, size);
}
void *memalign(size_t alignment, size_t size) {
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *block = memalign(alignment, size);
    if (block == NULL) return ENOMEM;
    *result = block;
    return 0;
}

__attribute__((destructor)) static void tell(void) {
    char text[64];
    const int size =
        snprintf(text, sizeof text, "calls %u\n", __atomic_load_n(&calls, __ATOMIC_RELAXED));
    if (write(STDERR_FILENO, text, (size_t)size) != size) return;
}
