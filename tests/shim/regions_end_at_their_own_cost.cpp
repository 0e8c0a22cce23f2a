// What a region's end costs depends on what was allocated in it, not on what lives outside.
#include <ctime>
#include <gtest/gtest.h>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

double seconds_of_rounds(unsigned flags) {
    timespec begin;
    timespec end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    for (int round = 0; round < 2000; ++round) {
        const scratch_region_token token = scratch_region_enter("round", flags);
        free(malloc(100));
        scratch_region_leave(token);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return static_cast<double>(end.tv_sec - begin.tv_sec) +
           static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e9;
}

// The best of some, since the machine may do other things meanwhile.
double best_of_rounds(unsigned flags) {
    double best = seconds_of_rounds(flags);
    for (int again = 0; again < 5; ++again)
        best = std::min(best, seconds_of_rounds(flags));
    return best;
}

SCENARIO(among_large_blocks) {
    start_of_scratch_memory();
    for (const unsigned flags : {0u, unsigned{SCRATCH_TRUSTED}}) {
        const double alone = best_of_rounds(flags);
        const scratch_region_token around = scratch_region_enter("around", 0);
        constexpr std::size_t number = 10000;
        static void *blocks[number];
        for (void *&block : blocks) {
            block = malloc(100000);
            REQUIRE(is_scratch(block));
        }
        const double within = best_of_rounds(flags);
        scratch_region_leave(around);
        const double after = best_of_rounds(flags);
        dprintf(STDOUT_FILENO, "%g %g %g\n", alone, within, after);
        REQUIRE(within < 20 * alone);
        REQUIRE(after < 20 * alone);
        for (void *block : blocks)
            free(block);
    }
    return 0;
}

TEST(regions, end_as_fast_among_ten_thousand_large_blocks) {
    const outcome result = run(among_large_blocks);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("large_bytes"), 0u);
    EXPECT_EQ(result.count("escapes"), 20000u);
}

// The blocks of a region are found at its end wherever they went: into the region around, out of
// all, back by a free of another region's time.
SCENARIO(large_blocks_move_between_regions) {
    start_of_scratch_memory();
    void *kept[3];
    {
        SCRATCH_REGION("outer");
        kept[0] = malloc(100000);
        {
            SCRATCH_REGION("middle", SCRATCH_TRUSTED);
            kept[1] = malloc(100000);
            {
                SCRATCH_REGION("inner");
                free(kept[0]);
                free(kept[1]);
                kept[0] = malloc(200000);
                kept[1] = malloc(300000);
                kept[2] = malloc(400000);
            }
            free(kept[1]);
        }
        kept[1] = malloc(100000);
        write_pattern(kept[1], 100000, 1);
    }
    SCRATCH_REGION("later");
    void *other = malloc(100000);
    memset(other, 0xee, 100000);
    REQUIRE(has_pattern(kept[1], 100000, 1));
    free(kept[1]);
    free(other);
    return 0;
}

TEST(regions, find_their_large_blocks_at_their_end) {
    const outcome result = run(large_blocks_move_between_regions);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("large_bytes"), 0u);
    EXPECT_EQ(result.count("escapes"), 1u);
}

} // namespace
