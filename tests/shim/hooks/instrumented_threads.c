// Built with -finstrument-functions: a thread's first call of `work` has the loaded objects looked
// through, which takes until another thread has called it ten times more.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_bool waits;
static atomic_bool is_waiting;

// In front of libc's, for the shim too.
__attribute__((no_instrument_function)) int
dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context) {
    typedef int iterate(int (*)(struct dl_phdr_info *, size_t, void *), void *);
    static _Atomic(iterate *) next;
    if (next == NULL) next = (iterate *)dlsym(RTLD_NEXT, "dl_iterate_phdr");
    if (waits && !atomic_exchange(&is_waiting, 1))
        while (waits)
            usleep(1000);
    return next(visit, context);
}

__attribute__((noinline)) void *work(void *nothing) {
    free(malloc(100));
    return nothing;
}

// As where a library alone is built so: else its own beginning has them looked through.
__attribute__((no_instrument_function)) int main(void) {
    free(malloc(100));
    waits = 1;
    pthread_t first;
    if (pthread_create(&first, NULL, work, NULL) != 0) return 1;
    while (!is_waiting)
        usleep(1000);
    for (int i = 0; i < 10; ++i)
        work(NULL);
    waits = 0;
    return pthread_join(first, NULL);
}
