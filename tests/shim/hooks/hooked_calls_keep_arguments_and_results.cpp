// A hooked call gets the arguments that its caller gave, and its caller gets the function's result,
// in whatever registers and places they are.
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <immintrin.h>

#include "library.h"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

// The first call goes the slow way, the others the quick one.
constexpr int some_times = 5;

// So that its regions were opened.
void expect_hooked(const outcome &result, unsigned least) {
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GE(result.count("regions_entered"), least);
}

SCENARIO(numbers) {
    for (int i = 0; i < some_times; ++i) {
        REQUIRE(sum_of_numbers(0) == 0);
        REQUIRE(sum_of_numbers(3, 1.5, 2.25, 4.0) == 7.75);
        REQUIRE(sum_of_numbers(14, 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14.) ==
                105);
        REQUIRE(sum_of_many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                            20) == 2870);
    }
    return 0;
}
TEST(hooked_call, passes_numbers_variadic_and_many) { expect_hooked(run(numbers), 4 * some_times); }

SCENARIO(large_structures) {
    large first;
    large second;
    for (long i = 0; i < 40; ++i) {
        first.words[i] = i;
        second.words[i] = 1000 + i;
    }
    for (int i = 0; i < some_times; ++i) {
        REQUIRE(sum_of_large(7, first, 3.5, second) == 7 + 3 + 780 + 3 * (40000 + 780));
        const large result = large_result(i);
        for (long at = 0; at < 40; ++at)
            REQUIRE(result.words[at] == i + at);
    }
    return 0;
}
TEST(hooked_call, passes_structures_of_640_bytes_and_returns_one_in_memory) {
    expect_hooked(run(large_structures), 2 * some_times);
}

SCENARIO(round_structures) {
    struct round first = {{1, 2, 3, 4, 5, 6, 7, 8}};
    struct round second = {{1, 1, 1, 1, 1, 1, 1, 1}};
    for (int i = 0; i < some_times; ++i)
        REQUIRE(sum_of_round(i, first, 100, second) == i + 100 + 36 + 16);
    return 0;
}
TEST(hooked_call, keeps_the_alignment_of_structures) { expect_hooked(run(round_structures), 5); }

SCENARIO(small_structures) {
    for (int i = 0; i < some_times; ++i) {
        const words two = pair_of_words(i);
        REQUIRE(two.first == i && two.second == i + 1);
        const doubles numbers_ = pair_of_doubles(i + 0.25);
        REQUIRE(numbers_.first == i + 0.25 && numbers_.second == i + 1.25);
        const mixed both = word_and_double(i);
        REQUIRE(both.word == i && both.number == i + 0.5);
    }
    return 0;
}
TEST(hooked_call, returns_structures_in_registers) { expect_hooked(run(small_structures), 15); }

SCENARIO(long_doubles) {
    const long double third = 1.0L / 3;
    for (int i = 0; i < some_times; ++i) {
        REQUIRE(half_of_long_double(third) == third / 2);
        const __complex__ long double result = complex_result(third);
        REQUIRE(__real__ result == third && __imag__ result == third * 3);
    }
    return 0;
}
TEST(hooked_call, returns_long_doubles_on_the_x87_stack) { expect_hooked(run(long_doubles), 10); }

extern "C" [[gnu::target("avx")]] __m256d add_256(__m256d a, __m256d b);
extern "C" [[gnu::target("avx512f")]] __m512d add_512(__m512d a, __m512d b);

[[gnu::target("avx")]] int check_256() {
    for (int i = 0; i < some_times; ++i) {
        const __m256d sum = add_256(_mm256_set_pd(1, 2, 3, i), _mm256_set_pd(10, 20, 30, 40));
        double parts[4];
        _mm256_storeu_pd(parts, sum);
        REQUIRE(parts[0] == 40 + i && parts[1] == 33 && parts[2] == 22 && parts[3] == 11);
    }
    return 0;
}
[[gnu::target("avx512f")]] int check_512() {
    for (int i = 0; i < some_times; ++i) {
        const __m512d sum = add_512(_mm512_set_pd(1, 2, 3, 4, 5, 6, 7, i), _mm512_set1_pd(100));
        double parts[8];
        _mm512_storeu_pd(parts, sum);
        REQUIRE(parts[0] == 100 + i && parts[1] == 107 && parts[6] == 102 && parts[7] == 101);
    }
    return 0;
}
SCENARIO(vectors_256) { return check_256(); }
SCENARIO(vectors_512) { return check_512(); }
TEST(hooked_call, keeps_all_of_256_bits) {
    if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "LOUDLY SKIPPED: no AVX here";
    expect_hooked(run(vectors_256), some_times);
}
TEST(hooked_call, keeps_all_of_512_bits) {
    if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "LOUDLY SKIPPED: no AVX-512 here";
    expect_hooked(run(vectors_512), some_times);
}

SCENARIO(error_numbers) {
    for (int i = 0; i < some_times; ++i) {
        errno = 7;
        set_errno(i + 100);
        REQUIRE(errno == i + 100);
        errno = 7;
        large_result(0);
        REQUIRE(errno == 7);
    }
    return 0;
}
TEST(hooked_call, keeps_errno) { expect_hooked(run(error_numbers), 10); }

SCENARIO(mode_off) {
    large first = {};
    first.words[39] = 5;
    REQUIRE(sum_of_large(1, first, 2, first) == 3 + 20);
    REQUIRE(sum_of_numbers(3, 1.5, 2.25, 4.0) == 7.75);
    REQUIRE(recurse(100) == 100);
    return 0;
}
TEST(hooked_call, goes_straight_on_in_mode_off) {
    const outcome result = run(mode_off, {.mode = "off"});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 0u);
}

SCENARIO(other_ways_to_call) {
    int seen = 0;
    callback *note = [](void *argument) {
        void *block = malloc(10);
        if (is_scratch(block)) ++*static_cast<int *>(argument);
        free(block);
    };
    start_of_scratch_memory();
    void (*volatile pointer)(callback *, void *) = counted_call;
    pointer(note, &seen);
    REQUIRE(seen == 1);
    using call_type = void (*)(callback *, void *);
    const auto by_default = reinterpret_cast<call_type>(dlsym(RTLD_DEFAULT, "trusted_call"));
    by_default(note, &seen);
    REQUIRE(seen == 2);
    const auto by_next = reinterpret_cast<call_type>(dlsym(RTLD_NEXT, "trusted_call"));
    by_next(note, &seen);
    REQUIRE(seen == 3);
    jump_on(note, &seen);
    REQUIRE(seen == 4);
    return 0;
}
TEST(hooked_call, is_one_through_pointers_dlsym_and_jumps_too) {
    // The last call enters two.
    expect_hooked(run(other_ways_to_call), 5);
}

} // namespace
