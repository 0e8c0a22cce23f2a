// How many stacks the threads of this process have, for tests of what becomes of them.
#pragma once

#include <scratch/scratch.h>

inline int stacks_of_threads() {
    int count = 0;
    scratch_visit(
        [](const scratch_statistics *statistics, void *context) {
            if (statistics->of_thread) ++*static_cast<int *>(context);
            return true;
        },
        &count);
    return count;
}
