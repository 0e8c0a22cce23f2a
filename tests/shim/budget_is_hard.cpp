// Chunks outside trusted regions never hold more than the budget, whatever the program does; the
// calls that would pass it are served all the same.
#include <algorithm>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

// Eight times the budget of escapes, each alone in pinning its chunk.
SCENARIO(escape_much) {
    start_of_scratch_memory();
    std::vector<void *> kept;
    for (std::size_t i = 0; i < 40000; ++i) {
        SCRATCH_REGION("much");
        void *dropped = malloc(60);
        kept.push_back(malloc(60));
        write_pattern(kept.back(), 60, i);
        free(dropped);
    }
    for (std::size_t i = 0; i < kept.size(); ++i) {
        REQUIRE(has_pattern(kept[i], 60, i));
        free(kept[i]);
    }
    return 0;
}

SCENARIO(fill_on_many_threads) {
    start_of_scratch_memory();
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([] {
            SCRATCH_REGION("fill");
            std::vector<void *> blocks;
            for (std::size_t i = 0; i < 3000; ++i) {
                blocks.push_back(malloc(500));
                write_pattern(blocks.back(), 500, i);
            }
            for (std::size_t i = 0; i < blocks.size(); ++i) {
                REQUIRE(has_pattern(blocks[i], 500, i));
                free(blocks[i]);
            }
        });
    }
    for (std::thread &thread : threads)
        thread.join();
    return 0;
}

SCENARIO(tag_much) {
    start_of_scratch_memory();
    std::vector<void *> blocks;
    for (std::size_t i = 0; i < 5000; ++i) {
        blocks.push_back(scratch_alloc(500));
        write_pattern(blocks.back(), 500, i);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        REQUIRE(has_pattern(blocks[i], 500, i));
        scratch_free(blocks[i]);
    }
    return 0;
}

// What outlives a trusted region that was not left exactly counts from then on: it cannot be
// moved, but nothing is added to it.
SCENARIO(outlive_trusted) {
    start_of_scratch_memory();
    std::vector<void *> blocks;
    blocks.reserve(2000);
    const scratch_region_token outer = scratch_region_enter("outer", 0);
    scratch_region_enter("inner", SCRATCH_TRUSTED);
    for (int i = 0; i < 2000; ++i)
        blocks.push_back(malloc(500));
    scratch_region_leave(outer);
    {
        SCRATCH_REGION("after");
        void *refused = malloc(100);
        REQUIRE(!is_scratch(refused));
        free(refused);
    }
    for (void *block : blocks)
        free(block);
    SCRATCH_REGION("with room again");
    void *served = malloc(100);
    REQUIRE(is_scratch(served));
    free(served);
    return 0;
}

class budget : public testing::TestWithParam<const char *> {};

TEST_P(budget, is_never_passed) {
    for (const scenario &wanted : {escape_much, fill_on_many_threads, tag_much}) {
        for (const char *bytes : {"256K", "64K", "1M"}) {
            const outcome result =
                run(wanted,
                    {.mode = GetParam(), .environment = {std::string("SCRATCH_BUDGET=") + bytes}});
            ASSERT_TRUE(result.exited_with(0)) << wanted.name << bytes << result.describe();
            const std::size_t most = std::strtoul(bytes, nullptr, 10)
                                     << (std::strchr(bytes, 'K')   ? 10
                                         : std::strchr(bytes, 'M') ? 20
                                                                   : 0);
            EXPECT_LE(result.count("chunk_bytes_peak"), most) << wanted.name;
            EXPECT_LE(result.count("chunk_bytes"), result.count("chunk_bytes_peak"));
            EXPECT_GT(result.count("budget_refusals"), 0u) << wanted.name << " " << bytes;
            EXPECT_GT(result.count("scratch_calls"), 0u) << wanted.name;
            EXPECT_EQ(result.count("over_budget_peak"), 0u) << wanted.name << " " << bytes;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(modes, budget, testing::Values("scoped", "adaptive"));

// Less than a chunk would hold nothing: the default is used, and the program told.
TEST(budget, is_the_default_where_less_than_a_chunk_is_given) {
    const outcome result =
        run(escape_much, {.environment = {"SCRATCH_BUDGET=65535"}, .statistics = false});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_NE(result.error.find("less than one chunk"), std::string::npos) << result.error;
    EXPECT_EQ(std::count(result.error.begin(), result.error.end(), '\n'), 1) << result.error;
}

TEST(budget, counts_what_outlives_trusted_regions) {
    const outcome result = run(outlive_trusted, {.environment = {"SCRATCH_BUDGET=256K"}});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 2000u);
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
    EXPECT_LE(result.count("chunk_bytes"), result.count("chunk_bytes_peak"));
    EXPECT_GT(result.count("over_budget_peak"), 0u);
    EXPECT_EQ(result.count("over_budget_peak"), result.count("chunk_bytes_peak") - (256u << 10));
}

} // namespace
