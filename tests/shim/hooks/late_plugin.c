// Opened while the program runs, in a scope of its own.
#include <stdlib.h>

typedef void callback(void *argument);

// Hooked.
void late_call(callback *called, void *argument);
int late_number(void);

void late_call(callback *called, void *argument) {
    void *block = malloc(100);
    called(argument);
    free(block);
}

int late_number(void) {
#ifdef OTHER
    return 2;
#else
    return 1;
#endif
}

// Through its own symbol, as libraries call themselves.
void call_late(callback *called, void *argument);
void call_late(callback *called, void *argument) {
    void (*volatile by_symbol)(callback *, void *) = late_call; // else clang calls the body
    by_symbol(called, argument);
}
