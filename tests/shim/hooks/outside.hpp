// What tells that no region is open, and what would overwrite one that is wrongly thought so.
#pragma once

#include "library.h"
#include "scenario.hpp"
#include "scratch_memory.hpp"

inline void expect_to_be_outside() {
    void *outside = malloc(10);
    REQUIRE(!is_scratch(outside));
    free(outside);
}

// What a region that is wrongly thought open, or was reset, would overwrite.
inline void overwrite_scratch() {
    for (int i = 0; i < 50; ++i)
        trusted_call(
            [](void *) {
                for (int block = 0; block < 20; ++block)
                    memset(malloc(100), 0xee, 100);
            },
            nullptr);
}
