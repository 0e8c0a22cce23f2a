// Opened while the program runs, in a scope of its own.
#include <stdlib.h>

typedef void callback(void *argument);

// Hooked.
void late_call(callback *called, void *argument);
int late_number(void); // asked for by two libraries, each of which has its own

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

int own_number(void);
int own_number(void) {
    int (*volatile by_symbol)(void) = late_number;
    // Not as a jump, which would leave no trace of who calls.
    const volatile int number = by_symbol();
    return number;
}

// The call returns to the program.
int number_by_jump(void);
int number_by_jump(void) {
    int (*volatile by_symbol)(void) = late_number;
#if defined(__clang__)
    __attribute__((musttail))
#endif
    return by_symbol();
}
