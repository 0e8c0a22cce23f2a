// Running off either end of a stack, or into memory that was not pushed yet, hits a page that
// faults.
#include "made_stack.hpp"

namespace {

TEST(guards_stand_at_both_ends_death, of_a_stack) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    made_stack stack({.name = "small", .reserve = 64 * 1024, .keep = 0, .flags = 0});
    volatile char *const block = static_cast<char *>(scratch_push(stack, 60 * 1024, 4096));
    EXPECT_DEATH(block[-1] = 1, "");
    EXPECT_DEATH(block[-4096] = 1, "");
    EXPECT_DEATH(block[64 * 1024] = 1, "");
    EXPECT_DEATH(block[64 * 1024 + 4095] = 1, "");
    block[0] = 1;
    block[60 * 1024 - 1] = 1;
}

} // namespace
