// Large blocks that another thread frees give their pages back at once where many wait for their
// owner, who may be idle for ever; he has their addresses back when he comes.
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

constexpr std::size_t one_mib = std::size_t{1} << 20;
constexpr std::size_t number = 40;

void take(std::vector<void *> &blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i] = malloc(one_mib);
        REQUIRE(is_scratch(blocks[i]));
        memset(blocks[i], static_cast<int>(i + 1), one_mib);
    }
}

SCENARIO(owner_is_idle) {
    const std::uintptr_t start = start_of_scratch_memory();
    SCRATCH_REGION("idle");
    static std::vector<void *> blocks(number);
    take(blocks);
    const std::size_t full = resident_bytes();
    std::thread([] {
        for (std::size_t i = 0; i < number; ++i) {
            const auto *bytes = static_cast<unsigned char *>(blocks[i]);
            REQUIRE(bytes[0] == i + 1 && bytes[one_mib - 1] == i + 1);
            free(blocks[i]);
        }
    }).join();
    REQUIRE(resident_bytes() + (number - 4) * one_mib <= full);
    // The owner takes notice: the same addresses serve again, whole and zeroed where asked.
    std::size_t highest = 0;
    for (std::size_t i = 0; i < number; ++i) {
        auto *block = static_cast<unsigned char *>(calloc(1, one_mib));
        REQUIRE(is_zero(block, one_mib));
        memset(block, 0xee, one_mib);
        highest = std::max(highest, reinterpret_cast<std::uintptr_t>(block) - start);
        blocks[i] = block;
    }
    REQUIRE(highest < (number + number / 2) * one_mib);
    for (void *block : blocks)
        free(block);
    return 0;
}

TEST(large_blocks, freed_by_others_do_not_wait_for_an_idle_owner) {
    const outcome result = run(owner_is_idle);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("large_bytes"), 0u);
}

// What is held is what has memory behind it.
SCENARIO(owner_never_comes_back) {
    start_of_scratch_memory();
    static std::vector<void *> blocks(number);
    const scratch_region_token token = scratch_region_enter("idle", SCRATCH_TRUSTED);
    take(blocks);
    std::thread([] {
        for (void *block : blocks)
            free(block);
    }).join();
    static_cast<void>(token);
    return 0;
}

TEST(large_blocks, freed_by_others_are_not_counted_as_held) {
    const outcome result = run(owner_never_comes_back);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_LE(result.count("large_bytes"), 2 * one_mib);
    EXPECT_GE(result.count("large_bytes_peak"), number * one_mib);
}

} // namespace
