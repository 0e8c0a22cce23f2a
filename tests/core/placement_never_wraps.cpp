// Where a block goes is right for every size and alignment, those near SIZE_MAX included.
#include "core/bump.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace {

using scratch::bump::place;
using scratch::bump::placement;
using scratch::bump::request;

constexpr std::uintptr_t base = 0x7000'0000'0000;
constexpr std::uintptr_t end = base + 0x10000;

constexpr placement at(std::uintptr_t top, std::size_t size, std::size_t alignment,
                       std::size_t redzone = 0) {
    return place({top, end, size, alignment, redzone});
}

constexpr bool is(placement got, std::uintptr_t start, std::uintptr_t top) {
    return got.fits && got.start == start && got.top == top;
}

// What the compiler has proved needs no run.
static_assert(is(at(base, 1, 1), base, base + 16));
static_assert(is(at(base, 16, 16), base, base + 16));
static_assert(is(at(base, 17, 8), base, base + 32));
static_assert(is(at(base + 16, 1, 64), base + 64, base + 80), "padding comes first");
static_assert(is(at(base + 64, 1, 64), base + 64, base + 80), "no padding where none is needed");
static_assert(is(at(base, 0, 1), base, base + 16), "nothing has an address of its own");
static_assert(is(at(base, 0x10000, 16), base, end), "the last byte can be had");
static_assert(is(at(base, 0x10000 - 32, 16, 16), base, end - 16), "with the bytes behind it");
static_assert(is(at(base, 1024, 16), base, base + 1088), "no two blocks a multiple of 1 KiB apart");
static_assert(is(at(base, 4090, 16), base, base + 4160));
static_assert(is(at(end - 1024, 1024, 16), end - 1024, end), "unless the stack ends there");
static_assert(is(at(end - 1040, 1024, 16), end - 1040, end));
static_assert(!at(base, 0x10001, 16).fits);
static_assert(!at(base, 0x10000, 16, 16).fits, "the bytes behind a block count");
static_assert(!at(end, 0, 1).fits, "not even nothing fits at the end");
static_assert(!at(base + 16, 0x10000 - 16, 4096).fits, "padding counts");
static_assert(!at(base + 16, 1, std::size_t{1} << 63).fits, "padding beyond the end");

TEST(placement_never_wraps, for_sizes_near_the_largest) {
    for (std::size_t below = 0; below < 100; ++below) {
        for (std::size_t alignment = 1; alignment != 0; alignment <<= 1) {
            for (std::uintptr_t top : {base, base + 16, end - 16, end}) {
                EXPECT_FALSE(at(top, SIZE_MAX - below, alignment).fits)
                    << below << " " << alignment;
            }
        }
    }
}

TEST(placement_never_wraps, where_the_stack_ends_at_the_last_address) {
    constexpr std::uintptr_t last = SIZE_MAX - 15;
    for (std::size_t size = 0; size < 200; ++size) {
        for (std::size_t alignment = 1; alignment != 0; alignment <<= 1) {
            const placement got = place({last - 64, last, size, alignment, 0});
            if (!got.fits) continue;
            EXPECT_GE(got.start, last - 64);
            EXPECT_LE(got.start + size, got.top);
            EXPECT_LE(got.top, last);
        }
    }
}

TEST(placement_never_wraps, and_fits_exactly_when_a_plain_count_says_so) {
    for (std::size_t size = 0; size < 70; ++size) {
        for (std::size_t alignment = 1; alignment <= 256; alignment <<= 1) {
            for (std::uintptr_t top = base; top <= base + 256; top += 16) {
                const std::uintptr_t limit = base + 256;
                std::uintptr_t start = top;
                while (start % alignment != 0)
                    ++start;
                const std::size_t taken = size == 0 ? 16 : (size + 15) / 16 * 16;
                const placement got = place({top, limit, size, alignment, 0});
                EXPECT_EQ(got.fits, start + taken <= limit)
                    << size << " " << alignment << " " << top - base;
                if (got.fits) {
                    EXPECT_EQ(got.start, start);
                    EXPECT_EQ(got.top, start + taken);
                }
            }
        }
    }
}

} // namespace
