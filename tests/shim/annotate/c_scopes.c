#include "c_scopes.h"

#include <scratch/annotate.h>

int c_returns_early(int early) {
    SCRATCH_REGION("early");
    if (early) return 1;
    return 0;
}

void c_breaks_and_continues(void) {
    for (int turn = 0; turn < 3; turn++) {
        SCRATCH_REGION("turn");
        if (turn == 0) continue;
        if (turn == 1) break;
    }
}

void c_goes_back(void) {
    int again = 1;
retry : {
    SCRATCH_REGION("tried");
    if (again-- > 0) goto retry;
}
}

void c_nests(void) {
    SCRATCH_REGION("outer");
    SCRATCH_REGION("same block", SCRATCH_TRUSTED);
    { SCRATCH_REGION("inner block"); }
}
