// Counted regions whose chunks stay for a few blocks each are not opened for a while once half of
// the budget is held, and are served again when that is over. What fills its chunks, or is freed
// soon, is served throughout.
#include <cstdlib>
#include <deque>
#include <gtest/gtest.h>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

constexpr std::uint64_t half_of_the_budget = std::uint64_t{4} << 20;

// Ten blocks of a turn die and one lives on: as a server's values among its parsed requests.
void *turn_that_keeps(std::size_t size, std::size_t number) {
    SCRATCH_FRAME("turn that keeps");
    void *kept = nullptr;
    for (std::size_t i = 0; i < 10; ++i) {
        void *dropped = malloc(100);
        if (i == 5) {
            kept = malloc(size);
            write_pattern(kept, size, number);
        }
        free(dropped);
    }
    return kept;
}

SCENARIO(turns_that_keep_little) {
    start_of_scratch_memory();
    std::vector<void *> kept(50000);
    for (std::size_t i = 0; i < kept.size(); ++i)
        kept[i] = turn_that_keeps(60, i);
    for (std::size_t i = 0; i < kept.size(); ++i)
        REQUIRE(has_pattern(kept[i], 60, i));
    for (void *block : kept)
        free(block);
    return 0;
}
TEST(turns, that_keep_little_rest_at_half_of_the_budget) {
    const outcome result = run(turns_that_keep_little);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GT(result.count("chunk_bytes_peak"), half_of_the_budget);
    // Each time that it is tried again takes one chunk more.
    EXPECT_LT(result.count("chunk_bytes_peak"), half_of_the_budget + (1u << 20));
    EXPECT_GT(result.count("regions_rested"), 49000u);
    EXPECT_EQ(result.count("regions_rested") + result.count("regions_entered"), 50001u);
    EXPECT_EQ(result.count("budget_refusals"), 0u);
}

SCENARIO(turns_that_get_better) {
    start_of_scratch_memory();
    std::vector<void *> kept(2000);
    for (std::size_t i = 0; i < kept.size(); ++i)
        kept[i] = turn_that_keeps(60, i);
    REQUIRE(!is_scratch(kept.back()));
    for (void *block : kept)
        free(block);
    std::size_t turns = 0;
    for (bool served = false; !served; ++turns) {
        REQUIRE(turns < 4096);
        void *block = turn_that_keeps(60, turns);
        served = is_scratch(block);
        free(block);
    }
    // And from then on.
    for (std::size_t i = 0; i < 1000; ++i) {
        void *block = turn_that_keeps(60, i);
        REQUIRE(is_scratch(block));
        free(block);
    }
    return 0;
}
TEST(turns, that_keep_nothing_any_more_are_served_again) {
    const outcome result = run(turns_that_get_better);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(turns_whose_blocks_live_for_some_turns) {
    start_of_scratch_memory();
    std::deque<void *> kept;
    for (std::size_t i = 0; i < 20000; ++i) {
        kept.push_back(turn_that_keeps(60, i));
        REQUIRE(is_scratch(kept.back()));
        if (kept.size() == 50) {
            free(kept.front());
            kept.pop_front();
        }
    }
    return 0;
}
TEST(turns, whose_blocks_live_for_some_turns_are_served) {
    const outcome result = run(turns_whose_blocks_live_for_some_turns);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_rested"), 0u);
}

// Results of a parser, say: the chunks hold what the program needs, and little else.
SCENARIO(turns_that_fill_their_chunks) {
    start_of_scratch_memory();
    std::vector<void *> kept;
    for (std::size_t i = 0; i < 120; ++i) {
        kept.push_back(turn_that_keeps(30000, i));
        REQUIRE(is_scratch(kept.back()));
    }
    for (void *block : kept)
        free(block);
    return 0;
}
TEST(turns, that_fill_their_chunks_are_served_up_to_the_budget) {
    const outcome result = run(turns_that_fill_their_chunks);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_rested"), 0u);
    EXPECT_GT(result.count("chunk_bytes_peak"), half_of_the_budget + (2u << 20));
}

// Where the budget is used up, a region that gets no chunk is no region at all for its next turns;
// another one of the thread's, which gives its chunks back, is served as before.
SCENARIO(neighbours_of_turns_that_rest) {
    start_of_scratch_memory();
    for (std::size_t i = 0; i < 20000; ++i) {
        turn_that_keeps(60, i);
        SCRATCH_REGION("neighbour");
        void *block = malloc(100);
        REQUIRE(is_scratch(block));
        free(block);
    }
    return 0;
}
TEST(neighbours, of_turns_that_rest_are_served) {
    const outcome result = run(neighbours_of_turns_that_rest);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GT(result.count("regions_rested"), 15000u);
}

SCENARIO(trusted_turns) {
    start_of_scratch_memory();
    for (std::size_t i = 0; i < 200; ++i)
        turn_that_keeps(60, i);
    REQUIRE(!is_scratch(turn_that_keeps(60, 0)));
    for (std::size_t i = 0; i < 1000; ++i) {
        SCRATCH_REGION("turn that keeps", SCRATCH_TRUSTED);
        REQUIRE(is_scratch(malloc(60)));
    }
    return 0;
}
TEST(trusted_regions, do_not_rest) {
    const outcome result = run(trusted_turns);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
