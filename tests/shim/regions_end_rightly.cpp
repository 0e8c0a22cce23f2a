// How a region ends: exactly where it is left in order by its thread, as a counted one where it is
// not; turns of loops.
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <cwchar>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "malloc_names.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

constexpr std::size_t one_mib = std::size_t{1} << 20;

// --- how a region ends
// -----------------------------------------------------------------------------

// By hand, in a function that returns at once: the region stays open.
__attribute__((noinline)) scratch_region_token enter_in_a_function(unsigned flags) {
    char deep[2000];
    memset(deep, 0, sizeof deep);
    __asm__ volatile("" : : "r"(deep) : "memory");
    return scratch_region_enter("by hand", flags);
}

SCENARIO(entered_by_hand) {
    start_of_scratch_memory();
    std::size_t resident = 0;
    for (int round = 0; round < 20000; ++round) {
        const scratch_region_token token = enter_in_a_function(SCRATCH_TRUSTED);
        for (int i = 0; i < 200; ++i) {
            void *block = calloc(1, 1000);
            REQUIRE(is_scratch(block));
        }
        scratch_region_leave(token);
        void *outside = malloc(10);
        REQUIRE(!is_scratch(outside));
        free(outside);
        if (round == 10) resident = resident_bytes();
    }
    REQUIRE(resident_bytes() <= resident + one_mib);
    return 0;
}

TEST(region, entered_by_hand_stays_open_until_it_is_left) {
    const outcome result = run(entered_by_hand);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 0u);
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
}

SCENARIO(left_out_of_order) {
    start_of_scratch_memory();
    const scratch_region_token outer = scratch_region_enter("outer", SCRATCH_TRUSTED);
    void *in_outer = malloc(100);
    const scratch_region_token inner = scratch_region_enter("inner", SCRATCH_TRUSTED);
    void *in_inner = malloc(100);
    write_pattern(in_outer, 100, 1);
    write_pattern(in_inner, 100, 2);
    scratch_region_leave(outer);
    void *after = malloc(100);
    REQUIRE(!is_scratch(after));
    scratch_region_leave(inner);
    scratch_region_leave(outer);
    for (int i = 0; i < 100; ++i) {
        SCRATCH_REGION("overwrite", SCRATCH_TRUSTED);
        memset(malloc(100), 0xee, 100);
    }
    REQUIRE(has_pattern(in_outer, 100, 1) && has_pattern(in_inner, 100, 2));
    free(in_outer);
    free(in_inner);
    free(after);
    return 0;
}

TEST(region, left_out_of_order_ends_as_a_counted_one) {
    const outcome result = run(left_out_of_order);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 2u);
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
}

SCENARIO(left_on_another_thread) {
    start_of_scratch_memory();
    const scratch_region_token token = scratch_region_enter("here", SCRATCH_TRUSTED);
    void *block = malloc(100);
    write_pattern(block, 100, 1);
    std::thread([token] {
        void *own = malloc(10);
        REQUIRE(!is_scratch(own));
        free(own);
        scratch_region_leave(token);
    }).join();
    for (int i = 0; i < 2000; ++i)
        memset(malloc(100), 0xee, 100);
    {
        SCRATCH_REGION("another");
        free(malloc(100));
    }
    REQUIRE(has_pattern(block, 100, 1));
    free(block);
    return 0;
}

TEST(region, left_on_another_thread_keeps_its_blocks) {
    const outcome result = run(left_on_another_thread);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// The owner hears of both, whichever was left first, and of none that ended meanwhile.
SCENARIO(two_left_on_other_threads) {
    start_of_scratch_memory();
    for (int order = 0; order < 2; ++order) {
        const scratch_region_token outer = scratch_region_enter("outer", 0);
        const scratch_region_token over = scratch_region_enter("over", 0);
        scratch_region_leave(over);
        const scratch_region_token middle = scratch_region_enter("middle", 0);
        const scratch_region_token inner = scratch_region_enter("inner", 0);
        std::thread([=] {
            scratch_region_leave(order == 0 ? inner : middle);
            scratch_region_leave(order == 0 ? middle : inner);
            scratch_region_leave(over);
        }).join();
        const scratch_region_token later = scratch_region_enter("later", 0);
        void *block = malloc(100);
        REQUIRE(is_scratch(block));
        free(block);
        scratch_region_leave(later);
        // Both are over, so this is the innermost one now.
        block = malloc(100);
        REQUIRE(is_scratch(block));
        std::thread([=] { scratch_region_leave(outer); }).join();
        free(block);
        scratch_region_leave(scratch_region_enter("takes notice", 0));
        block = malloc(100);
        REQUIRE(!is_scratch(block));
        free(block);
    }
    return 0;
}

TEST(region, left_on_other_threads_ends_however_many_are) {
    const outcome result = run(two_left_on_other_threads, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// The end of a region around it takes notice, too: it is exact all the same.
SCENARIO(inner_left_on_another_thread) {
    start_of_scratch_memory();
    for (int round = 0; round < 1000; ++round) {
        SCRATCH_REGION("outer", SCRATCH_TRUSTED);
        static_cast<char *>(malloc(100))[0] = 1;
        const scratch_region_token middle = scratch_region_enter("middle", SCRATCH_TRUSTED);
        const scratch_region_token inner = scratch_region_enter("inner", SCRATCH_TRUSTED);
        static_cast<char *>(malloc(100))[0] = 1;
        std::thread([=] {
            scratch_region_leave(round % 2 == 0 ? middle : inner);
            scratch_region_leave(round % 2 == 0 ? inner : middle);
        }).join();
    }
    return 0;
}

TEST(region, ends_exactly_though_one_within_was_left_on_another_thread) {
    const outcome result = run(inner_left_on_another_thread);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 0u);
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
}

std::jmp_buf back;

__attribute__((noinline)) void jump_out_of_region(void **kept) {
    SCRATCH_REGION("jumped over", SCRATCH_TRUSTED);
    *kept = malloc(100);
    write_pattern(*kept, 100, 3);
    std::longjmp(back, 1);
}

// Back into the loop that calls it, from where it enters the region again.
SCENARIO(jumped_over_in_a_loop) {
    start_of_scratch_memory();
    static void *kept;
    static int round;
    for (round = 0; round < 20000; ++round) {
        if (setjmp(back) == 0) jump_out_of_region(&kept);
        REQUIRE(is_scratch(kept) && has_pattern(kept, 100, 3));
        free(kept);
    }
    return 0;
}

TEST(region, is_over_when_its_call_comes_again) {
    const outcome result = run(jumped_over_in_a_loop);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 20001u);
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
}

SCENARIO(jumped_over) {
    start_of_scratch_memory();
    constexpr int rounds = 20000;
    static void *first;
    static int round;
    static void *kept;
    for (round = 0; round < rounds; ++round) {
        if (setjmp(back) == 0) jump_out_of_region(&kept);
        {
            SCRATCH_REGION("after");
            free(malloc(100));
        }
        void *outside = malloc(10);
        REQUIRE(!is_scratch(outside));
        free(outside);
        REQUIRE(has_pattern(kept, 100, 3));
        if (round == 0)
            first = kept;
        else
            free(kept);
    }
    REQUIRE(has_pattern(first, 100, 3));
    free(first);
    return 0;
}

TEST(region, jumped_over_ends_late_as_a_counted_one) {
    const outcome result = run(jumped_over);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
    EXPECT_LE(result.count("chunk_bytes_peak"), 512u << 10);
}

struct heavy_error : std::runtime_error {
    explicit heavy_error(std::string text) : std::runtime_error("heavy"), more(std::move(text)) {}
    std::string more;
};

__attribute__((noinline)) void throw_out_of_region(unsigned flags) {
    SCRATCH_REGION("thrown out of", flags);
    throw heavy_error(std::string(500, 'x'));
}

// What some runtimes make for each thread's first exception, and keep, is not the regions'.
void throw_once() {
    try {
        throw 1;
    } catch (int) {
    }
}

SCENARIO(thrown_out_of_counted) {
    start_of_scratch_memory();
    throw_once();
    for (int round = 0; round < 1000; ++round) {
        try {
            throw_out_of_region(SCRATCH_COUNTED);
        } catch (const heavy_error &error) {
            {
                SCRATCH_REGION("overwrite");
                void *block = malloc(800);
                memset(block, 0xee, 800);
                free(block);
            }
            REQUIRE(error.more == std::string(500, 'x'));
            REQUIRE(std::string(error.what()) == "heavy");
        }
    }
    return 0;
}

// In a trusted region the exception object itself is the runtime's; what it owns is the program's
// business, so it owns nothing here.
SCENARIO(thrown_out_of_trusted) {
    start_of_scratch_memory();
    throw_once();
    for (int round = 0; round < 1000; ++round) {
        try {
            SCRATCH_REGION("thrown out of", SCRATCH_TRUSTED);
            free(malloc(100));
            throw round;
        } catch (int caught) {
            {
                SCRATCH_REGION("overwrite", SCRATCH_TRUSTED);
                for (int i = 0; i < 10; ++i)
                    memset(malloc(200), 0xee, 200);
            }
            REQUIRE(caught == round);
        }
    }
    return 0;
}

TEST(region, exceptions_live_on) {
    for (const scenario &wanted : {thrown_out_of_counted, thrown_out_of_trusted}) {
        const outcome result = run(wanted);
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
        EXPECT_EQ(result.count("trusted_bytes"), 0u);
        EXPECT_EQ(result.count("chunk_bytes"), 0u);
    }
}

void nest(int depth) {
    SCRATCH_REGION("deep");
    char *block = static_cast<char *>(malloc(100));
    write_pattern(block, 100, static_cast<std::size_t>(depth));
    if (depth != 0) nest(depth - 1);
    REQUIRE(has_pattern(block, 100, static_cast<std::size_t>(depth)));
    free(block);
}

SCENARIO(very_deep) {
    start_of_scratch_memory();
    for (int round = 0; round < 100; ++round)
        nest(300);
    void *outside = malloc(10);
    REQUIRE(!is_scratch(outside));
    free(outside);
    return 0;
}

TEST(region, deeper_than_the_limit_belongs_to_the_one_around) {
    const outcome result = run(very_deep);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 0u);
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
}

SCENARIO(stale_tokens) {
    start_of_scratch_memory();
    const scratch_region_token token = scratch_region_enter("once", 0);
    scratch_region_leave(token);
    scratch_region_leave(token);
    for (const std::uint64_t value :
         {std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 40,
          std::uint64_t{0xff} << 32, token.value + 1, token.value | (std::uint64_t{0xff} << 32)})
        scratch_region_leave({value});
    const scratch_region_token next = scratch_region_enter("next", 0);
    scratch_region_leave(token); // stale: does not end the new one
    void *block = malloc(10);
    REQUIRE(is_scratch(block));
    free(block);
    scratch_region_leave(next);
    return 0;
}

TEST(region, stale_and_wild_tokens_are_ignored) {
    const outcome result = run(stale_tokens);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// --- frames
// -----------------------------------------------------------------------------------------

__attribute__((noinline)) void *turn(unsigned flags) {
    SCRATCH_FRAME("turn", flags);
    return malloc(100);
}

SCENARIO(frames) {
    start_of_scratch_memory();
    {
        SCRATCH_REGION("loop");
        for (int round = 0; round < 50000; ++round) {
            void *block = turn(SCRATCH_TRUSTED);
            write_pattern(block, 100, 1);
            REQUIRE(is_scratch(block));
            for (int i = 0; i < 3; ++i)
                malloc(500); // still the turn's
            REQUIRE(has_pattern(block, 100, 1));
        }
    }
    void *outside = malloc(10);
    REQUIRE(!is_scratch(outside));
    free(outside);
    return 0;
}

TEST(frame, a_trusted_turn_is_reclaimed_by_the_next) {
    const outcome result = run(frames);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("scratch_calls"), 200001u); // one was the question where scratch lies
    EXPECT_LE(result.count("trusted_bytes_peak"), 192u << 10);
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
}

} // namespace
