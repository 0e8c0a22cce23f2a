// One hooked call in a program that is built in many ways: "hooked" if malloc in it is from a
// stack.
#include <stdio.h>
#include <stdlib.h>

#include "library.h"

static void allocate(void *place) { *(void **)place = malloc(100); }

int main(void) {
    void *outside = malloc(100);
    char *inside = NULL;
    for (int i = 0; i < 3; ++i) {
        free(inside);
        inside = NULL;
        counted_call(allocate, &inside);
    }
    // The heap is a few pages here; a stack lies in a mapping of its own.
    const long distance = (long)(inside - (char *)outside);
    const int is_far = distance > (1L << 30) || distance < -(1L << 30);
    puts(is_far ? "hooked" : "not hooked");
    free(inside);
    free(outside);
    return 0;
}
