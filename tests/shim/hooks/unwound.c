// Stops, or looks at its own stack, below two hooked functions.
#define _GNU_SOURCE // for libunwind.h: ucontext_t
#ifdef __has_include
#if __has_include(<execinfo.h>)
#define WITH_BACKTRACE
#include <execinfo.h>
#endif
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define UNW_LOCAL_ONLY
#ifdef WITH_LIBUNWIND
#include <libunwind.h>
#endif

#include "library.h"

void stand_here(void *how);
void stand_here(void *how) {
#ifdef WITH_BACKTRACE
    if (strcmp(how, "backtrace") == 0) {
        void *frames[40];
        const int count = backtrace(frames, 40);
        char **names = backtrace_symbols(frames, count);
        for (int i = 0; i < count; ++i)
            puts(names[i]);
        free(names);
    }
#endif
#ifdef WITH_LIBUNWIND
    if (strcmp(how, "libunwind") == 0) {
        unw_context_t context;
        unw_cursor_t cursor;
        unw_getcontext(&context);
        unw_init_local(&cursor, &context);
        do {
            char name[100] = "?";
            unw_word_t offset;
            unw_get_proc_name(&cursor, name, sizeof name, &offset);
            puts(name);
        } while (unw_step(&cursor) > 0);
    }
#endif
}

void between(void *how);
void between(void *how) {
    trusted_call(stand_here, how);
    __asm__ volatile("");
}

int main(int count, char **arguments) {
    (void)count;
    counted_call(between, arguments[1]);
    return 0;
}
