// Blocks of trusted regions have shorter headers, and a free only marks them. What holds for blocks
// holds for these too: contents, sizes, alignment, frees by other threads, ends that come otherwise
// than planned, forks, and what a region holds while it lasts.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

constexpr std::size_t many = 4000; // blocks, in several chunks

struct held {
    void *block;
    std::size_t size;
};

// In memory of the program's own, so that nothing of it is on the stack.
held all_held[many];

std::size_t size_number(std::size_t i) { return (i * 37) % 600; }

void take_all() {
    for (std::size_t i = 0; i < many; ++i) {
        const std::size_t alignment = i % 50 == 0 ? std::size_t{32} << (i % 7) : 16;
        void *block = i % 50 == 0 ? memalign(alignment, size_number(i)) : malloc(size_number(i));
        // The compiler knows less of its size than is asked for below.
        __asm__("" : "+r"(block));
        REQUIRE(is_scratch(block));
        REQUIRE(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
        const std::size_t usable = malloc_usable_size(block);
        REQUIRE(usable >= size_number(i));
        // All that the program may use.
        all_held[i] = {block, usable};
        write_pattern(block, usable, i);
    }
}

void check_all() {
    for (std::size_t i = 0; i < many; ++i)
        REQUIRE(all_held[i].block == nullptr ||
                has_pattern(all_held[i].block, all_held[i].size, i));
}

void free_each(std::size_t first, std::size_t step) {
    for (std::size_t i = first; i < many; i += step) {
        free(all_held[i].block);
        all_held[i].block = nullptr;
    }
}

void expect_whole(const scenario &wanted) {
    for (const bool statistics : {true, false}) {
        const outcome result = run(wanted, {.statistics = statistics});
        ASSERT_TRUE(result.exited_with(0)) << result.describe();
        if (!statistics) continue;
        EXPECT_EQ(result.count("trusted_bytes"), 0u);
        EXPECT_EQ(result.count("chunk_bytes"), 0u);
        EXPECT_EQ(result.count("pinned_bytes"), 0u);
    }
}

SCENARIO(contents_and_frees) {
    start_of_scratch_memory();
    SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
    take_all();
    check_all();
    free_each(0, 3);
    check_all();
    std::thread([] { free_each(1, 3); }).join();
    check_all();
    void *more[500];
    for (void *&block : more)
        memset(block = malloc(100), 0xee, 100);
    check_all();
    free_each(2, 3);
    return 0;
}

TEST(trusted_blocks, stay_whole_and_are_freed_by_any_thread) { expect_whole(contents_and_frees); }

SCENARIO(reallocs) {
    start_of_scratch_memory();
    void *before = malloc(50);
    SCRATCH_REGION("counted");
    void *outer = malloc(100);
    write_pattern(outer, 100, 1);
    write_pattern(before, 50, 2);
    {
        SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
        // The newest grows and shrinks where it stands.
        void *newest = malloc(40);
        write_pattern(newest, 40, 3);
        void *grown = realloc(newest, 5000);
        REQUIRE(grown == newest);
        newest = grown;
        REQUIRE(malloc_usable_size(newest) >= 5000);
        REQUIRE(has_pattern(newest, 40, 3));
        write_pattern(newest, 5000, 4);
        void *above = malloc(24);
        memset(above, 0xee, malloc_usable_size(above));
        REQUIRE(has_pattern(newest, 5000, 4));
        void *moved = realloc(newest, 70000);
        REQUIRE(moved != newest && has_pattern(moved, 5000, 4));
        REQUIRE(has_pattern(moved = realloc(moved, 30), 30, 4));
        free(moved);
        // Those from outside may move in, but only what dies in here.
        REQUIRE(has_pattern(outer = realloc(outer, 20000), 100, 1));
        free(outer);
        REQUIRE(has_pattern(before = realloc(before, 3000), 50, 2));
        REQUIRE(!is_scratch(before));
    }
    free(before);
    return 0;
}

TEST(trusted_blocks, move_and_grow) { expect_whole(reallocs); }

// A region left before the one within it ends as a counted one: what lives in it lives on.
SCENARIO(outlived) {
    start_of_scratch_memory();
    for (int round = 0; round < 20; ++round) {
        const scratch_region_token outer = scratch_region_enter("outer", SCRATCH_TRUSTED);
        const scratch_region_token inner = scratch_region_enter("inner", SCRATCH_TRUSTED);
        take_all();
        free_each(0, 4);
        scratch_region_leave(outer);
        scratch_region_leave(inner);
        check_all();
        {
            SCRATCH_REGION("later", SCRATCH_TRUSTED);
            for (int i = 0; i < 2000; ++i)
                memset(malloc(500), 0xee, 500);
        }
        check_all();
        REQUIRE(malloc_usable_size(all_held[1].block) == all_held[1].size);
        // Above others that live.
        std::thread([] { free_each(2, 4); }).join();
        check_all();
        // Grows elsewhere, shrinks where it stands.
        for (std::size_t i = 1; i < many; i += 4) {
            void *grown = realloc(all_held[i].block, 2000);
            REQUIRE(has_pattern(grown, all_held[i].size, i));
            free(grown);
            all_held[i].block = nullptr;
        }
        check_all();
        free_each(3, 4);
        // Makes this thread take in what the other one freed.
        SCRATCH_REGION("last");
        free(malloc(40000));
    }
    return 0;
}

TEST(trusted_blocks, outlive_a_region_that_ends_as_a_counted_one) {
    expect_whole(outlived);
    const outcome result = run(outlived);
    EXPECT_EQ(result.count("escapes"), 20u * (many - many / 4));
    EXPECT_EQ(result.count("remote_frees"), 20u * many / 4);
}

// Megabytes live, in their turn, and as many again and again: a long region holds little more than
// twice of them.
SCENARIO(queue_of_megabytes) {
    start_of_scratch_memory();
    SCRATCH_REGION("long", SCRATCH_TRUSTED);
    static void *queue[80000]; // some 8 MiB
    for (std::size_t i = 0; i < 1000000; ++i) {
        void *&place = queue[i % std::size(queue)];
        free(place);
        place = malloc(60 + i % 70);
        REQUIRE(is_scratch(place));
    }
    return 0;
}

TEST(trusted_blocks, are_reclaimed_while_a_large_region_lasts) {
    const outcome result = run(queue_of_megabytes);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_LE(result.count("trusted_bytes_peak"), 20u << 20);
}

// Regions within a trusted one, counted and trusted, again and again.
SCENARIO(regions_within) {
    start_of_scratch_memory();
    SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
    void *outer = malloc(100);
    write_pattern(outer, 100, 1);
    for (int round = 0; round < 3000; ++round) {
        SCRATCH_REGION("within", round % 2 == 0 ? SCRATCH_COUNTED : SCRATCH_TRUSTED);
        void *blocks[20];
        for (void *&block : blocks) {
            block = malloc(9000);
            REQUIRE(is_scratch(block));
            memset(block, 0xee, 9000);
        }
        for (void *block : blocks)
            free(block);
    }
    REQUIRE(has_pattern(outer, 100, 1));
    REQUIRE(is_scratch(malloc(100)));
    return 0;
}

TEST(trusted_blocks, come_back_at_the_ends_of_regions_within) {
    expect_whole(regions_within);
    const outcome result = run(regions_within);
    EXPECT_LE(result.count("trusted_bytes_peak"), 1u << 20);
    EXPECT_LE(result.count("chunk_bytes_peak"), 1u << 20);
}

// What the runtime keeps is no part of a trusted region, nor of a counted one within it, which the
// trusted one takes back at last.
SCENARIO(streams) {
    start_of_scratch_memory();
    FILE *kept[2];
    {
        SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
        kept[0] = fopen("/dev/null", "w");
        SCRATCH_REGION("counted within");
        REQUIRE(is_scratch(malloc(10)));
        kept[1] = fopen("/dev/null", "w");
        for (FILE *file : kept)
            REQUIRE(!is_scratch(file) && fputs("text", file) >= 0);
    }
    SCRATCH_REGION("trusted again", SCRATCH_TRUSTED);
    for (int i = 0; i < 1000; ++i)
        memset(malloc(300), 0xee, 300);
    for (FILE *file : kept)
        REQUIRE(fputs("text", file) >= 0 && fclose(file) == 0);
    return 0;
}

TEST(trusted_blocks, are_not_the_runtimes) { expect_whole(streams); }

SCENARIO(forks) {
    start_of_scratch_memory();
    SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
    take_all();
    const pid_t child = fork();
    free_each(0, 2);
    for (int i = 0; i < 2000; ++i)
        memset(malloc(100), 0xee, 100);
    check_all();
    free_each(1, 2);
    if (child == 0) _exit(0);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

TEST(trusted_blocks, go_on_in_a_forked_child) { expect_whole(forks); }

} // namespace
