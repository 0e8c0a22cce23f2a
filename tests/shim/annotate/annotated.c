// One of each annotation, for C11 and C++11. What it prints does not depend on who serves it; with
// an argument it prints whether the annotations found somebody.
#include <scratch/annotate.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned checksum(const char *text) {
    unsigned sum = 0;
    for (; *text != '\0'; text++)
        sum = sum * 31 + (unsigned char)*text;
    return sum;
}

static unsigned nested(void) {
    SCRATCH_REGION("outer");
    char *const kept = (char *)malloc(100);
    strcpy(kept, "in the outer region");
    unsigned sum;
    {
        SCRATCH_REGION("inner", SCRATCH_TRUSTED);
        char *const dropped = (char *)malloc(100);
        strcpy(dropped, kept);
        sum = checksum(dropped);
    }
    sum += checksum(kept);
    free(kept);
    return sum;
}

static unsigned turns(void) {
    SCRATCH_REGION("loop");
    unsigned sum = 0;
    for (unsigned turn = 0; turn < 2; turn++) {
        SCRATCH_FRAME("turn", turn == 0 ? SCRATCH_COUNTED : SCRATCH_TRUSTED);
        char *const text = (char *)malloc(32);
        sprintf(text, "turn %u", turn);
        sum += checksum(text);
        free(text);
    }
    return sum;
}

static unsigned tagged(void) {
    char *const from_before = (char *)malloc(40);
    char *const small = (char *)scratch_alloc(40);
    char *const too_large_for_the_recorder = (char *)scratch_alloc(100000);
    memset(from_before, 'a', 40);
    memset(small, 'b', 40);
    memset(too_large_for_the_recorder, 'c', 100000);
    const unsigned sum = (unsigned)from_before[39] + (unsigned)small[39] +
                         (unsigned)too_large_for_the_recorder[99999] +
                         (unsigned)((uintptr_t)small % 16);
    scratch_free(from_before);
    scratch_free(too_large_for_the_recorder);
    scratch_free(small);
    scratch_free(NULL);
    return sum;
}

int main(int count, char **arguments) {
    (void)arguments;
    errno = 77;
    unsigned sum = nested();
    sum += turns();
    sum += tagged();
    const scratch_region_token token = scratch_region_enter("by hand", SCRATCH_COUNTED);
    scratch_region_leave(token);
    printf("sum %u, errno %d\n", sum, errno);
    if (count > 1) puts(token.value != 0 ? "served" : "alone");
    return 0;
}
