// A hooked call gets the arguments that its caller gave, and its caller gets the function's result,
// in whatever registers and places they are.
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>

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
TEST(hooked_call, returns_long_doubles) { expect_hooked(run(long_doubles), 10); }

SCENARIO(vectors) {
    for (int i = 0; i < some_times; ++i) {
        const double number = i;
        const four_pairs sums =
            pairs_of_doubles(pair{number, 1}, pair{2, 3}, pair{4, 5}, pair{6, 7}, pair{10, 20},
                             pair{30, 40}, pair{50, 60}, pair{70, 80});
        REQUIRE(sums.first[0] == number + 10 && sums.first[1] == 21);
        REQUIRE(sums.second[0] == 32 && sums.second[1] == 43);
        REQUIRE(sums.third[0] == 54 && sums.third[1] == 65);
        REQUIRE(sums.fourth[0] == 76 && sums.fourth[1] == 87);
    }
    return 0;
}
TEST(hooked_call, keeps_all_registers_with_vectors) { expect_hooked(run(vectors), some_times); }

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
