// scratch_fill and scratch_copy write the bytes that they are told to and none beside them,
// whatever the size and the alignment, on each of the ways that core/fill.cpp has.
#include "made_stack.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace {

constexpr std::size_t beside = 64;
constexpr unsigned char untouched = 0xA5;

/// A block with bytes around it that nobody may write.
class framed {
public:
    framed(scratch_stack *stack, std::size_t size, std::size_t misplaced)
        : size_(size), all_(static_cast<unsigned char *>(
                           scratch_push(stack, size + misplaced + 2 * beside, 64))),
          start_(all_ + beside + misplaced) {
        std::memset(all_, untouched, static_cast<std::size_t>(start_ - all_));
        std::memset(start_ + size_, untouched, beside);
    }
    unsigned char *start() const { return start_; }
    bool frame_is_whole() const {
        const auto is_untouched = [](unsigned char byte) { return byte == untouched; };
        return std::all_of(all_, start_, is_untouched) &&
               std::all_of(start_ + size_, start_ + size_ + beside, is_untouched);
    }
    bool holds(const unsigned char *expected) const {
        return std::memcmp(start_, expected, size_) == 0;
    }

private:
    std::size_t size_;
    unsigned char *all_;
    unsigned char *start_;
};

/// Bytes of which no two places near each other are alike.
unsigned char *pattern(scratch_stack *stack, std::size_t size) {
    auto *const bytes = static_cast<unsigned char *>(scratch_push(stack, size, 64));
    std::uint32_t word = 1;
    for (std::size_t index = 0; index < size; ++index) {
        word = word * 1664525U + 1013904223U;
        bytes[index] = static_cast<unsigned char>(word >> 24);
    }
    return bytes;
}

void check(scratch_stack *stack, std::size_t size, std::size_t to, std::size_t from,
           const unsigned char *source) {
    SCRATCH_SCOPE(stack);
    const framed copied(stack, size, to);
    EXPECT_EQ(scratch_copy(copied.start(), source + from, size), copied.start());
    EXPECT_TRUE(copied.holds(source + from)) << size << " from " << from << " to " << to;
    EXPECT_TRUE(copied.frame_is_whole()) << size << " from " << from << " to " << to;
    const framed filled(stack, size, to);
    // Only the lowest byte of the number counts, as for memset.
    EXPECT_EQ(scratch_fill(filled.start(), 0x7F1C, size), filled.start());
    const auto is_filled = [](unsigned char byte) { return byte == 0x1C; };
    EXPECT_TRUE(std::all_of(filled.start(), filled.start() + size, is_filled)) << size << " " << to;
    EXPECT_TRUE(filled.frame_is_whole()) << size << " " << to;
}

TEST(fill_and_copy, write_every_byte_of_any_size_and_alignment) {
    made_stack stack;
    const unsigned char *const source = pattern(stack, 20000);
    for (std::size_t size = 0; size < 300; ++size)
        check(stack, size, size % 64, size % 17, source);
    for (const std::size_t around : {512U, 1024U, 2048U, 3000U, 4096U, 8192U, 16384U}) {
        for (std::size_t size = around - 3; size <= around + 65; ++size) {
            for (const std::size_t to : {0U, 1U, 15U, 33U, 63U})
                check(stack, size, to, size % 31, source);
        }
    }
}

TEST(fill_and_copy, write_every_byte_of_large_blocks) {
    made_stack stack;
    constexpr std::size_t large = std::size_t{64} << 20;
    const unsigned char *const source = pattern(stack, large + 40000);
    for (const std::size_t size :
         {large - 1, large, large + 1, large + 63, large + 4 * 4096 + 4095, large + 8 * 4096})
        check(stack, size, size % 64 == 0 ? 0 : 29, size % 64 == 0 ? 0 : 5, source);
    check(stack, large, 1, 0, source);
    check(stack, large + 64, 0, 1, source);
}

template <std::size_t... sizes>
void check_known(scratch_stack *stack, const unsigned char *source) {
    const auto one = [=](auto known) {
        constexpr std::size_t size = decltype(known)::value;
        const framed copied(stack, size, 3);
        scratch_copy(copied.start(), source, size);
        EXPECT_TRUE(copied.holds(source) && copied.frame_is_whole()) << size;
        const framed filled(stack, size, 3);
        scratch_fill(filled.start(), 9, size);
        EXPECT_TRUE(filled.frame_is_whole()) << size;
        EXPECT_EQ(std::count(filled.start(), filled.start() + size, 9), size) << size;
    };
    (one(std::integral_constant<std::size_t, sizes>{}), ...);
}

TEST(fill_and_copy, write_every_byte_of_sizes_that_the_compiler_knows) {
    made_stack stack;
    const unsigned char *const source = pattern(stack, 5000);
    check_known<1, 2, 7, 8, 16, 31, 64, 100, 255, 256, 257, 1000, 2048, 2049, 4096, 4097>(stack,
                                                                                          source);
}

TEST(fill_and_copy, write_between_neighbours_that_touch) {
    made_stack stack;
    for (const std::size_t size : {64U, 2100U, 4096U, 10000U}) {
        unsigned char *const both = pattern(stack, 2 * size);
        scratch_copy(both + size, both, size);
        EXPECT_EQ(std::memcmp(both, both + size, size), 0) << size;
        unsigned char *const lower = pattern(stack, 2 * size);
        scratch_copy(lower, lower + size, size);
        EXPECT_EQ(std::memcmp(lower, lower + size, size), 0) << size;
    }
}

} // namespace
