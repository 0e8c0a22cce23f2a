// What a thread does that is over at once: regions of both kinds, and a block that outlives it.
#pragma once

#include <cstdlib>
#include <cstring>

#include <scratch/annotate.h>

inline void short_life(unsigned number) {
    {
        SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
        for (int i = 0; i < 100; ++i)
            std::memset(malloc(32), static_cast<int>(number), 32);
    }
    {
        SCRATCH_REGION("counted");
        free(malloc(200));
    }
    // What is left above the top are headers that the trusted region did not touch at its end.
    void *left = scratch_alloc(32);
    scratch_free(scratch_alloc(32));
    scratch_free(left);
}
