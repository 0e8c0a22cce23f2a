// Each call of a hooked frame function ends one turn of the thread's loop and begins the next.
#include <gtest/gtest.h>
#include <thread>

#include "library.h"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

SCENARIO(turns) {
    start_of_scratch_memory();
    void *before = malloc(10);
    REQUIRE(!is_scratch(before));
    std::size_t resident = 0;
    for (int i = 1; i <= 20000; ++i) {
        REQUIRE(trusted_turn() == i);
        for (int block = 0; block < 100; ++block)
            REQUIRE(is_scratch(memset(malloc(300), 1, 300)));
        if (i == 100) resident = resident_bytes();
    }
    REQUIRE(resident_bytes() <= resident + (1u << 20));
    free(before);
    return 0;
}
TEST(frame, of_a_trusted_function_is_taken_back_at_its_next_call) {
    const outcome result = run(turns);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 20001u);
}

SCENARIO(counted_turns) {
    start_of_scratch_memory();
    void *kept[50];
    for (std::size_t i = 0; i < 50; ++i) {
        turn();
        kept[i] = malloc(100);
        write_pattern(kept[i], 100, i);
        free(malloc(200));
    }
    turn();
    for (std::size_t i = 0; i < 50; ++i) {
        REQUIRE(is_scratch(kept[i]) && has_pattern(kept[i], 100, i));
        free(kept[i]);
    }
    return 0;
}
TEST(frame, of_a_counted_function_leaves_what_escapes) {
    const outcome result = run(counted_turns);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 50u);
    // By the one caller whose blocks they are.
    const std::string &report = result.reports.at(result.process);
    EXPECT_NE(report.find("\"calls\":50,"), std::string::npos) << report;
    EXPECT_NE(report.find("\"escapes\":50,\"routed\""), std::string::npos) << report;
    EXPECT_EQ(report.find("\"escapes\":1,\"routed\""), std::string::npos) << report;
}

[[gnu::noinline]] void loop_inside(int depth) {
    char room[200];
    __asm__ volatile("" : : "r"(room) : "memory");
    if (depth > 0) return loop_inside(depth - 1), void();
    for (int i = 0; i < 5; ++i) {
        trusted_turn();
        memset(malloc(100), 0xee, 100);
    }
    __asm__ volatile("" : : "r"(room) : "memory");
}

SCENARIO(loop_in_loop) {
    start_of_scratch_memory();
    for (std::size_t i = 0; i < 100; ++i) {
        trusted_turn();
        void *used = malloc(100);
        write_pattern(used, 100, i);
        loop_inside(5);
        REQUIRE(has_pattern(used, 100, i));
    }
    return 0;
}
TEST(frame, called_deeper_in_a_turn_does_not_take_the_outer_one_back) {
    const outcome result = run(loop_in_loop);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(frames_in_threads) {
    start_of_scratch_memory();
    trusted_turn();
    std::thread([] {
        void *outside = malloc(10);
        REQUIRE(!is_scratch(outside));
        free(outside);
        trusted_turn();
        REQUIRE(is_scratch(malloc(10)));
    }).join();
    void *still = malloc(10);
    REQUIRE(is_scratch(still));
    return 0;
}
TEST(frame, belongs_to_one_thread) {
    const outcome result = run(frames_in_threads);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
