// A program at a fixed address that takes malloc's address: the linker makes an entry of the
// program's own that stands for it, and that is what dlsym shows.
#include <scratch/annotate.h>
#include <stdio.h>
#include <stdlib.h>

void *(*volatile taken)(size_t);

int main(void) {
    taken = malloc;
    SCRATCH_REGION("region");
    for (int round = 0; round < 50; ++round)
        free(taken(100));
    puts("taken malloc");
    return 0;
}
