// Zeroed pushes are zero whatever was there before, and do not touch memory that is zero already.
#include "made_stack.hpp"
#include "memory_in_use.hpp"

#include <algorithm>
#include <cstring>

namespace {

bool all_zero(const void *block, std::size_t size) {
    const auto *const bytes = static_cast<const unsigned char *>(block);
    return std::all_of(bytes, bytes + size, [](unsigned char byte) { return byte == 0; });
}

TEST(zeroed_pushes, are_zero_on_fresh_reused_and_mixed_memory) {
    made_stack stack;
    const sizes all{0, 1, 8, 64, 100, 4095, 4096, 5000, 100000, 1 << 20};
    for (const std::size_t dirty : sizes{0, 1, 100, 4096, 50000, 1 << 20}) {
        for (const std::size_t size : all) {
            scratch_restore(stack, 0);
            std::memset(scratch_push(stack, dirty, 16), 0xFF, dirty);
            scratch_restore(stack, 0);
            scratch_push(stack, 24, 16);
            void *const block = scratch_push_zero(stack, size, size % 2 == 0 ? 64 : 8);
            EXPECT_TRUE(all_zero(block, size)) << dirty << " " << size;
            std::memset(block, 0xFF, size);
            EXPECT_TRUE(all_zero(scratch_push_zero(stack, 64, 16), 64));
        }
    }
}

TEST(zeroed_pushes, are_zero_after_a_trim) {
    made_stack stack;
    std::memset(scratch_push(stack, 1 << 20, 16), 0xFF, 1 << 20);
    scratch_restore(stack, 0);
    scratch_trim(stack, 12345);
    EXPECT_TRUE(all_zero(scratch_push_zero(stack, 1 << 20, 16), 1 << 20));
}

TEST(zeroed_pushes, do_not_touch_fresh_memory) {
    if (watched_by_a_checker()) GTEST_SKIP() << "a checker has to be shown the zeros";
    made_stack stack;
    const std::size_t size = 64 << 20;
    const std::size_t before = memory_in_use();
    scratch_push_zero(stack, size, 16);
    EXPECT_LT(memory_in_use() - before, size / 16);
}

} // namespace
