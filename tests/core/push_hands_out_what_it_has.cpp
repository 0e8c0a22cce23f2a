// A push gives memory that is aligned, writable and nobody else's, or fails with the right errno.
#include "made_stack.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace {

std::uintptr_t address(const void *pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

TEST(push_hands_out_what_it_has, never_for_sizes_near_the_largest) {
    made_stack stack;
    scratch_push(stack, 40, 8);
    const scratch_mark before = scratch_save(stack);
    // Volatile, so that the general path is taken too and not only the one for known sizes.
    for (std::size_t below = unknown(0); below < 100; ++below) {
        for (const std::size_t alignment : sizes{1, 8, 16, 64, 4096, 1 << 20}) {
            errno = 0;
            EXPECT_EQ(scratch_try_push(stack, SIZE_MAX - below, alignment), nullptr) << below;
            EXPECT_EQ(errno, ENOMEM);
            EXPECT_EQ(scratch_save(stack), before);
        }
    }
    errno = 0;
    EXPECT_EQ(scratch_try_push(stack, SIZE_MAX, 16), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(scratch_try_push(stack, SIZE_MAX - 23, 8), nullptr);
    EXPECT_EQ(scratch_try_push_zero(stack, SIZE_MAX - 23, 8), nullptr);
    EXPECT_EQ(scratch_try_push(stack, std::size_t{1} << 63, 8), nullptr);
    EXPECT_EQ(scratch_try_push(stack, std::size_t{1} << 47, 8), nullptr);
}

TEST(push_hands_out_what_it_has, not_for_alignments_that_are_no_power_of_two) {
    made_stack stack;
    for (const std::size_t alignment : sizes{0, 3, 6, 12, 24, 48, 4095, 4097}) {
        errno = 0;
        EXPECT_EQ(scratch_try_push(stack, 8, alignment), nullptr) << alignment;
        EXPECT_EQ(errno, EINVAL);
        EXPECT_EQ(scratch_try_push_zero(stack, 8, alignment), nullptr) << alignment;
        EXPECT_EQ(scratch_try_resize(stack, nullptr, 0, 8, alignment), nullptr) << alignment;
    }
    EXPECT_EQ(scratch_try_push(stack, 8, SIZE_MAX), nullptr);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(scratch_try_push(stack, 8, std::size_t{1} << 63), nullptr);
    EXPECT_EQ(errno, ENOMEM);
}

TEST(push_hands_out_what_it_has, aligned_up_to_a_mebibyte) {
    made_stack stack;
    for (std::size_t alignment = 1; alignment <= 1 << 20; alignment <<= 1) {
        for (const std::size_t size : sizes{0, 1, 15, 16, 17, 4096, 100000}) {
            scratch_push(stack, 1, 1); // off the alignment
            void *const block = scratch_push(stack, size, alignment);
            EXPECT_EQ(address(block) % alignment, 0U);
            EXPECT_EQ(address(block) % 16, 0U);
            std::memset(block, 0xA5, size);
        }
    }
}

TEST(push_hands_out_what_it_has, with_an_address_of_its_own_for_nothing) {
    made_stack stack;
    const std::size_t nothing = unknown(0);
    void *const first = scratch_push(stack, nothing, 1);
    void *const second = scratch_push(stack, 0, 1);
    void *const third = scratch_push(stack, 1, 1);
    EXPECT_NE(first, second);
    EXPECT_NE(second, third);
    EXPECT_TRUE(scratch_owns(stack, second));
    EXPECT_TRUE(scratch_pop(stack, third, 1));
    EXPECT_TRUE(scratch_pop(stack, second, 0));
    EXPECT_TRUE(scratch_pop(stack, first, nothing));
    EXPECT_EQ(scratch_push(stack, 1, 1), first);
}

TEST(push_hands_out_what_it_has, to_the_last_byte_of_the_reservation) {
    made_stack stack({.name = "small", .reserve = 64 * 1024, .keep = 0, .flags = 0});
    const bool watched = watched_by_a_checker();
    const std::size_t all = 64 * 1024 - (watched ? 16 : 0);
    EXPECT_EQ(scratch_try_push(stack, all + 1, 1), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    void *const block = scratch_try_push(stack, all, 1);
    ASSERT_NE(block, nullptr);
    std::memset(block, 1, all);
    EXPECT_EQ(scratch_try_push(stack, 0, 1), nullptr);
    EXPECT_EQ(scratch_try_push(stack, 1, 1), nullptr);
    EXPECT_TRUE(scratch_pop(stack, block, all));
}

TEST(push_hands_out_what_it_has, and_never_twice) {
    made_stack stack;
    std::mt19937 random(7);
    struct piece {
        unsigned char *start;
        std::size_t size;
        unsigned char fill;
    };
    std::vector<piece> pieces;
    for (int turn = 0; turn < 3000; ++turn) {
        const std::size_t size = random() % 3 == 0 ? random() % 20000 : random() % 100;
        const std::size_t alignment = std::size_t{1} << random() % 13;
        auto *const start = static_cast<unsigned char *>(scratch_push(stack, size, alignment));
        const auto fill = static_cast<unsigned char>(random());
        std::memset(start, fill, size);
        pieces.push_back({start, size, fill});
    }
    for (const piece &each : pieces) {
        for (std::size_t index = 0; index < each.size; ++index)
            ASSERT_EQ(each.start[index], each.fill);
    }
}

TEST(push_hands_out_what_it_has, and_leaves_errno_alone) {
    made_stack stack;
    errno = 1234;
    for (int turn = 0; turn < 100; ++turn)
        scratch_push(stack, 100000, 4096);
    scratch_push_zero(scratch_this_thread(), 1 << 20, 64);
    EXPECT_EQ(errno, 1234);
}

TEST(push_hands_out_what_it_has, and_knows_it) {
    made_stack stack;
    made_stack other;
    char *const block = static_cast<char *>(scratch_push(stack, 100, 16));
    EXPECT_TRUE(scratch_owns(stack, block));
    EXPECT_TRUE(scratch_owns(stack, block + 99));
    EXPECT_FALSE(scratch_owns(other, block));
    EXPECT_FALSE(scratch_owns(stack, block - 1));
    int local = 0;
    EXPECT_FALSE(scratch_owns(stack, &local));
    EXPECT_FALSE(scratch_owns(stack, nullptr));
    scratch_restore(stack, 0);
    EXPECT_FALSE(scratch_owns(stack, block));
}

} // namespace
