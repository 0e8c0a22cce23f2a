// The last block can be given back and resized in place, its padding included; no other block can.
#include "made_stack.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace {

TEST(pop_in_place, gives_the_last_block_back) {
    made_stack stack;
    const scratch_mark before = scratch_save(stack);
    void *const block = scratch_push(stack, 100, 16);
    EXPECT_TRUE(scratch_pop(stack, block, 100));
    EXPECT_EQ(scratch_save(stack), before);
    EXPECT_EQ(scratch_push(stack, 100, 16), block);
}

TEST(pop_in_place, refuses_every_other_block_and_size) {
    made_stack stack;
    char *const first = static_cast<char *>(scratch_push(stack, 64, 16));
    char *const last = static_cast<char *>(scratch_push(stack, 64, 16));
    const scratch_mark before = scratch_save(stack);
    const std::size_t size = unknown(64);
    EXPECT_FALSE(scratch_pop(stack, first, 64));
    EXPECT_FALSE(scratch_pop(stack, first, size));
    EXPECT_FALSE(scratch_pop(stack, last, 48));
    EXPECT_FALSE(scratch_pop(stack, last, 80));
    EXPECT_FALSE(scratch_pop(stack, last + 16, 64));
    EXPECT_FALSE(scratch_pop(stack, last + 8, 56));
    EXPECT_FALSE(scratch_pop(stack, nullptr, 64));
    EXPECT_FALSE(scratch_pop(stack, last + 64, 0));
    for (std::size_t below = unknown(0); below < 64; ++below) {
        EXPECT_FALSE(scratch_pop(stack, last, SIZE_MAX - below));
        EXPECT_FALSE(scratch_pop(stack, last + 64, SIZE_MAX - below));
        EXPECT_FALSE(scratch_pop(stack, last + 64 + below, 0 - below));
    }
    EXPECT_EQ(scratch_save(stack), before);
    EXPECT_TRUE(scratch_pop(stack, last, size));
}

TEST(pop_in_place, on_a_stack_never_used_is_refused) {
    made_stack stack;
    EXPECT_FALSE(scratch_pop(stack, nullptr, 0));
    int local = 0;
    EXPECT_FALSE(scratch_pop(stack, &local, sizeof local));
}

TEST(pop_in_place, gives_padding_back_block_by_block) {
    made_stack stack;
    scratch_push(stack, 16, 16);
    scratch_mark marks[8];
    void *blocks[8];
    for (int index = 0; index < 8; ++index) {
        marks[index] = scratch_save(stack);
        blocks[index] = scratch_push(stack, 24, std::size_t{64} << index);
    }
    for (int index = 7; index >= 0; --index) {
        EXPECT_TRUE(scratch_pop(stack, blocks[index], 24)) << index;
        EXPECT_EQ(scratch_save(stack), marks[index]) << index;
    }
}

TEST(pop_in_place, leaves_deferred_functions_alone) {
    made_stack stack;
    void *const block = scratch_push(stack, 64, 16);
    int runs = 0;
    scratch_defer(
        stack, [](void *count) { ++*static_cast<int *>(count); }, &runs);
    const std::size_t all = scratch_save(stack) - reinterpret_cast<std::uintptr_t>(block);
    EXPECT_FALSE(scratch_pop(stack, block, 64));
    EXPECT_FALSE(scratch_pop(stack, block, all));
    EXPECT_EQ(runs, 0);
    void *const above = scratch_push(stack, 16, 16);
    EXPECT_TRUE(scratch_pop(stack, above, 16));
    scratch_restore(stack, 0);
    EXPECT_EQ(runs, 1);
}

TEST(resize_in_place, keeps_the_last_block_where_it_is) {
    made_stack stack;
    char *const block = static_cast<char *>(scratch_push(stack, 10, 1));
    std::memcpy(block, "123456789", 10);
    EXPECT_EQ(scratch_resize(stack, block, 10, 1 << 20, 1), block);
    EXPECT_STREQ(block, "123456789");
    std::memset(block, 7, 1 << 20);
    EXPECT_EQ(scratch_resize(stack, block, 1 << 20, 20, 1), block);
    char *const next = static_cast<char *>(scratch_push(stack, 1, 1));
    EXPECT_LT(next, block + 100) << "what the shrinking gave back is used again";
    EXPECT_GE(next, block + 20);
}

TEST(resize_in_place, copies_a_block_that_is_not_last) {
    made_stack stack;
    char *const block = static_cast<char *>(scratch_push(stack, 100, 16));
    std::memset(block, 'a', 100);
    void *const above = scratch_push(stack, 16, 16);
    std::memset(above, 'b', 16);
    EXPECT_EQ(scratch_resize(stack, block, 100, 50, 16), block) << "shrinks where it is";
    char *const moved = static_cast<char *>(scratch_resize(stack, block, 50, 300, 16));
    EXPECT_GT(moved, static_cast<char *>(above));
    for (int index = 0; index < 50; ++index)
        EXPECT_EQ(moved[index], 'a');
    std::memset(moved, 'c', 300);
    EXPECT_EQ(static_cast<char *>(above)[15], 'b');
}

TEST(resize_in_place, of_a_block_that_is_not_last_never_takes_more_room) {
    made_stack stack;
    const std::size_t redzone = watched_by_a_checker() ? 16 : 0;
    // A multiple of 1024 takes 64 bytes more than its size, so more than somewhat larger ones.
    for (const std::size_t larger : sizes{1025, 1040, 1056, 1072, 2049, 65552}) {
        SCRATCH_SCOPE(stack);
        const std::size_t smaller = larger / 1024 * 1024;
        void *const block = scratch_push(stack, larger, 16);
        const std::size_t missing = (smaller + 64) - (larger + 15) / 16 * 16;
        char *const above = static_cast<char *>(
            scratch_push(stack, missing > redzone ? missing - redzone : missing, 16));
        *above = 'x';
        void *const resized = scratch_resize(stack, block, larger, smaller, 16);
        if (resized == block) {
            EXPECT_FALSE(scratch_pop(stack, resized, smaller)) << larger;
        } else {
            EXPECT_TRUE(scratch_pop(stack, resized, smaller)) << larger;
        }
        std::memset(scratch_push(stack, 5000, 16), 'y', 5000);
        EXPECT_EQ(*above, 'x') << larger;
    }
}

TEST(resize_in_place, moves_a_block_that_needs_more_alignment) {
    made_stack stack;
    scratch_push(stack, 16, 4096);
    char *const block = static_cast<char *>(scratch_push(stack, 16, 16));
    std::memcpy(block, "0123456789abcde", 16);
    char *const moved = static_cast<char *>(scratch_resize(stack, block, 16, 16, 4096));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(moved) % 4096, 0U);
    EXPECT_STREQ(moved, "0123456789abcde");
}

TEST(resize_in_place, of_null_is_a_push_and_of_too_much_changes_nothing) {
    made_stack stack;
    char *const block = static_cast<char *>(scratch_resize(stack, nullptr, 0, 32, 8));
    std::memset(block, 'x', 32);
    const scratch_mark before = scratch_save(stack);
    for (const std::size_t below : sizes{0, 1, 23, 63}) {
        errno = 0;
        EXPECT_EQ(scratch_try_resize(stack, block, 32, SIZE_MAX - below, 8), nullptr);
        EXPECT_EQ(errno, ENOMEM);
    }
    EXPECT_EQ(scratch_save(stack), before);
    EXPECT_EQ(block[31], 'x');
    EXPECT_EQ(scratch_resize(stack, block, 32, 0, 8), block);
    EXPECT_TRUE(scratch_pop(stack, block, 0));
}

TEST(give_back, goes_as_soon_as_nothing_is_above) {
    made_stack stack;
    const scratch_mark before = scratch_save(stack);
    void *blocks[5];
    for (void *&block : blocks)
        block = scratch_push(stack, 100, 256);
    for (const int index : {1, 0, 3})
        scratch_give_back(stack, blocks[index], 100);
    EXPECT_TRUE(scratch_pop(stack, blocks[4], 100));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(scratch_push(stack, 100, 256)),
              reinterpret_cast<std::uintptr_t>(blocks[3]));
    scratch_give_back(stack, blocks[3], 100);
    scratch_give_back(stack, blocks[2], 100);
    EXPECT_EQ(scratch_save(stack), before);
}

TEST(give_back, twice_of_the_same_block_counts_once) {
    made_stack stack;
    const scratch_mark before = scratch_save(stack);
    void *const block = scratch_push(stack, 100, 16);
    void *const middle = scratch_push(stack, 100, 16);
    void *const above = scratch_push(stack, 100, 16);
    for (int turn = 0; turn < 3; ++turn) {
        scratch_give_back(stack, block, 100);
        scratch_give_back(stack, middle, 100);
    }
    EXPECT_TRUE(scratch_owns(stack, above));
    EXPECT_TRUE(scratch_pop(stack, above, 100));
    EXPECT_EQ(scratch_save(stack), before);
}

TEST(give_back, of_a_block_that_grew_over_a_mark_is_forgotten_by_its_restore) {
    made_stack stack;
    scratch_push(stack, 16, 16);
    void *const block = scratch_push(stack, 112, 16);
    const scratch_mark mark = scratch_save(stack);
    scratch_resize(stack, block, 112, 240, 16);
    scratch_push(stack, 16, 16);
    scratch_give_back(stack, block, 240);
    scratch_restore(stack, mark);
    // The block above the mark that ends where the other one did is not to be taken for it.
    void *const lower = scratch_push(stack, watched_by_a_checker() ? 112 : 128, 16);
    void *const upper = scratch_push(stack, 16, 16);
    EXPECT_TRUE(scratch_pop(stack, upper, 16));
    EXPECT_TRUE(scratch_owns(stack, lower));
}

} // namespace
