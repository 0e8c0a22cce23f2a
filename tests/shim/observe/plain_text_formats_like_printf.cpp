// Promise: plain_text writes what printf would for the conversions it has, never past its room.
#include "shim/observe/plain_text.hpp"

#include <climits>
#include <cstdio>
#include <cstring>
#include <gtest/gtest.h>

using namespace scratch::shim;

#define EXPECT_SAME(...)                                                                           \
    do {                                                                                           \
        char expected[256];                                                                        \
        std::snprintf(expected, sizeof expected, __VA_ARGS__);                                     \
        fixed_text<256> text;                                                                      \
        text.format(__VA_ARGS__);                                                                  \
        EXPECT_EQ(text.view(), expected);                                                          \
    } while (false)

TEST(plain_text, writes_numbers_of_every_length) {
    EXPECT_SAME("%d %d %d %i", 0, INT_MIN, INT_MAX, -7);
    EXPECT_SAME("%ld %lld %zd %jd %td", LONG_MIN, LLONG_MIN, ssize_t{-1}, intmax_t{-2},
                ptrdiff_t{-3});
    using byte = unsigned char;
    using word = unsigned short;
    EXPECT_SAME("%hhd %hd %hhu %hu", static_cast<signed char>(-3), short{-300}, byte{200},
                word{60000});
    EXPECT_SAME("%u %lu %llu %zu", UINT_MAX, ULONG_MAX, ULLONG_MAX, SIZE_MAX);
    EXPECT_SAME("%x %lx %zx", 0xbeefu, ULONG_MAX, std::size_t{16});
    EXPECT_SAME("%p", reinterpret_cast<void *>(0x1234abcd));
}

TEST(plain_text, pads_as_asked) {
    EXPECT_SAME("[%5d|%-5d|%05d|%5d|%05d]", 42, 42, 42, -42, -42);
    EXPECT_SAME("[%8s|%-8s|%.2s|%8.2s]", "abc", "abc", "abc", "abc");
    EXPECT_SAME("[%*d|%*s|%.*s]", 6, 1, 6, "x", 3, "abcdef");
    EXPECT_SAME("[%3c|%-3c|%c]", 'a', 'b', 'c');
    EXPECT_SAME("[%2s|%1d]", "longer", 12345);
    EXPECT_SAME("%%|%s%%", "x");
}

TEST(plain_text, reads_no_string_past_its_precision) {
    const char unterminated[] = {'a', 'b'};
    EXPECT_SAME("%.2s", unterminated);
    EXPECT_SAME("%.*s", 0, unterminated);
}

TEST(plain_text, survives_a_null_string) {
    fixed_text<32> text;
    const char *volatile null = nullptr;
    text.format("<%s>", null);
    EXPECT_EQ(text.view(), "<(null)>");
}

TEST(plain_text, stops_at_a_conversion_that_it_does_not_have) {
    fixed_text<64> text;
    text.format("a %d %f %s", 1, 2.0, "never read");
    EXPECT_EQ(text.view(), "a 1 %f %s");
}

TEST(plain_text, stays_in_its_room) {
    char room[16];
    std::memset(room, '#', sizeof room);
    plain_text text(room, 8);
    text.format("%s", "0123456789");
    text.format("%d", 55);
    text.add('x');
    EXPECT_EQ(text.view(), "01234567");
    EXPECT_TRUE(text.cut());
    text.end_with("..");
    EXPECT_EQ(text.view(), "012345..");
    EXPECT_EQ(std::string(room + 8, 8), "########");
    plain_text none(room, 0);
    none.add("abc");
    none.end_with("\n");
    EXPECT_EQ(none.view(), "");
    EXPECT_EQ(room[0], '0');
}

TEST(plain_text, is_not_cut_where_it_just_fits) {
    char room[3];
    plain_text text(room, sizeof room);
    text.format("%s", "abc");
    EXPECT_EQ(text.view(), "abc");
    EXPECT_FALSE(text.cut());
}

TEST(plain_text, quotes_what_comes_from_outside) {
    fixed_text<256> text;
    text.add_quoted("a\"\\\n\x7f\xc3\xa4");
    EXPECT_EQ(text.view(), "\"a\\\"\\\\\\x0a\\x7f\\xc3\\xa4\"");
    fixed_text<256> longer;
    longer.add_quoted("abcdef", 4);
    EXPECT_EQ(longer.view(), "\"abcd...\"");
}
