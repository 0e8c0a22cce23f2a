// printf, strdup, memdup and blocks that grow, as blocks of a stack.
#include "made_stack.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace {

TEST(text, is_what_printf_prints) {
    made_stack stack;
    EXPECT_STREQ(scratch_printf(stack, "%s-%05d-%c", "abc", 42, 'x'), "abc-00042-x");
    EXPECT_STREQ(scratch_printf(stack, "%s", ""), "");
    const std::string wide(100000, 'w');
    EXPECT_EQ(scratch_printf(stack, "<%s>", wide.c_str()), "<" + wide + ">");
}

TEST(text, takes_what_it_needs_and_can_be_popped) {
    made_stack stack;
    const scratch_mark before = scratch_save(stack);
    char *const made = scratch_printf(stack, "%d", 12345);
    EXPECT_TRUE(scratch_pop(stack, made, 6));
    EXPECT_EQ(scratch_save(stack), before);
}

TEST(text, that_cannot_be_converted_is_refused) {
    made_stack stack;
    errno = 0;
    const wchar_t impossible[] = {0x7fffffff, 0};
    EXPECT_EQ(scratch_try_printf(stack, "%ls", impossible), nullptr);
    EXPECT_EQ(errno, EINVAL);
}

TEST(text, without_room_is_refused) {
    made_stack stack({.name = "small", .reserve = 64 * 1024, .keep = 0, .flags = 0});
    errno = 0;
    EXPECT_EQ(scratch_try_printf(stack, "%70000d", 1), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(scratch_try_strdup(stack, std::string(70000, 'a').c_str()), nullptr);
    EXPECT_EQ(scratch_try_memdup(stack, "", SIZE_MAX, 1), nullptr);
}

TEST(text, and_bytes_are_copied) {
    made_stack stack;
    char original[] = "original";
    char *const copy = scratch_strdup(stack, original);
    original[0] = 'X';
    EXPECT_STREQ(copy, "original");
    EXPECT_STREQ(scratch_strdup(stack, ""), "");
    const double numbers[] = {1.5, 2.5};
    auto *const same = static_cast<double *>(scratch_memdup(stack, numbers, sizeof numbers, 64));
    EXPECT_EQ(same[1], 2.5);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(same) % 64, 0U);
    EXPECT_NE(scratch_memdup(stack, nullptr, 0, 1), nullptr);
}

TEST(growing, stays_in_place_while_it_is_last) {
    made_stack stack;
    scratch_growing growing = scratch_open(stack, 1);
    const char *const start = growing.bytes;
    for (int index = 0; index < 10000; ++index)
        scratch_append(&growing, "0123456789", 10);
    EXPECT_EQ(growing.size, 100000U);
    char *const text = static_cast<char *>(scratch_close(&growing));
    EXPECT_EQ(text, start);
    for (int index = 0; index < 100000; ++index)
        ASSERT_EQ(text[index], '0' + index % 10);
    EXPECT_TRUE(scratch_pop(stack, text, 100000));
}

TEST(growing, moves_where_something_was_pushed_and_keeps_its_bytes) {
    made_stack stack;
    scratch_growing growing = scratch_open(stack, 64);
    std::string expected;
    for (int index = 0; index < 20; ++index) {
        scratch_append(&growing, "abcdefghijklmnop", 16);
        expected += "abcdefghijklmnop";
        std::memset(scratch_push(stack, 32, 16), 'Z', 32);
    }
    char *const room = static_cast<char *>(scratch_append(&growing, nullptr, 4));
    std::memcpy(room, "end", 4);
    char *const text = static_cast<char *>(scratch_close(&growing));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(text) % 64, 0U);
    EXPECT_EQ(text, expected + "end");
}

TEST(growing, without_room_keeps_what_it_has) {
    made_stack stack({.name = "small", .reserve = 64 * 1024, .keep = 0, .flags = 0});
    scratch_growing growing = scratch_open(stack, 1);
    scratch_append(&growing, "kept", 5);
    errno = 0;
    EXPECT_EQ(scratch_try_append(&growing, nullptr, 70000), nullptr);
    EXPECT_EQ(scratch_try_append(&growing, nullptr, SIZE_MAX - 2), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_STREQ(static_cast<char *>(scratch_close(&growing)), "kept");
    errno = 0;
    EXPECT_EQ(scratch_try_open(stack, 3).bytes, nullptr);
    EXPECT_EQ(errno, EINVAL);
}

TEST(growing, may_be_appended_to_themselves) {
    made_stack stack;
    scratch_growing growing = scratch_open(stack, 1);
    scratch_append(&growing, "ab", 2);
    for (int turn = 0; turn < 12; ++turn) {
        if (turn % 3 == 0) scratch_push(stack, 1, 1); // the block has to move
        scratch_append(&growing, growing.bytes, growing.size);
    }
    const std::size_t size = growing.size;
    const auto *const bytes = static_cast<const char *>(scratch_close(&growing));
    ASSERT_EQ(size, 8192U);
    for (std::size_t index = 0; index < size; ++index)
        ASSERT_EQ(bytes[index], index % 2 == 0 ? 'a' : 'b') << index;
}

} // namespace
