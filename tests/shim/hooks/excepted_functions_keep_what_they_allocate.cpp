// What --except names allocates from the next allocator, whatever region is open.
#include <gtest/gtest.h>

#include "library.h"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

SCENARIO(by_caller) {
    start_of_scratch_memory();
    void *kept[20];
    for (std::size_t i = 0; i < 20; ++i) {
        trusted_call(
            [](void *place) {
                void *other = other_block(100);
                REQUIRE(is_scratch(other));
                *static_cast<void **>(place) = keep_block(100);
            },
            &kept[i]);
        REQUIRE(!is_scratch(kept[i]));
        void *counted = nullptr;
        counted_call([](void *place) { *static_cast<void **>(place) = keep_block(100); }, &counted);
        REQUIRE(!is_scratch(counted));
        free(counted);
        free(kept[i]);
    }
    return 0;
}
TEST(excepted, caller_of_malloc_is_served_by_next) {
    for (const bool counted : {false, true}) {
        const outcome result = run(by_caller, {.statistics = counted});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
}

SCENARIO(while_on_the_stack) {
    start_of_scratch_memory();
    for (int i = 0; i < 20; ++i) {
        trusted_call(
            [](void *) {
                void *before = malloc(10);
                REQUIRE(is_scratch(before));
                void *kept = nullptr;
                paused_call(
                    [](void *place) {
                        *static_cast<void **>(place) = other_block(50);
                        void *tagged = scratch_alloc(20);
                        void *plain = malloc(20);
                        REQUIRE(!is_scratch(plain));
                        scratch_free(tagged);
                        free(plain);
                        trusted_call(
                            [](void *) {
                                void *inner = malloc(10);
                                REQUIRE(is_scratch(inner));
                            },
                            nullptr);
                        plain = malloc(20);
                        REQUIRE(!is_scratch(plain));
                        free(plain);
                    },
                    &kept);
                REQUIRE(!is_scratch(kept));
                free(kept);
                void *after = malloc(10);
                REQUIRE(is_scratch(after));
            },
            nullptr);
        void *kept = nullptr;
        paused_call([](void *place) { *static_cast<void **>(place) = malloc(50); }, &kept);
        REQUIRE(!is_scratch(kept));
        free(kept);
    }
    return 0;
}
TEST(excepted, function_suspends_the_regions_around_it) {
    for (const char *mode : {"scoped", "adaptive"}) {
        const outcome result = run(while_on_the_stack, {.mode = mode});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
        EXPECT_EQ(result.count("escapes"), 0u);
    }
}
TEST(excepted, function_suspends_them_where_nothing_is_counted) {
    const outcome result = run(while_on_the_stack, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
