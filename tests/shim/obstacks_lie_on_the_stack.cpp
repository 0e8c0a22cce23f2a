// The chunks of GNU obstacks come from the thread's stack, in regions and in mode scoped outside
// them, whatever function the program takes them by; what an obstack holds stays whole, and all of
// it comes back.
#include <csetjmp>
#include <gtest/gtest.h>
#include <obstack.h>
#include <thread>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

int chunks_taken = 0;
bool chunks_run_out = false;
std::jmp_buf out_of_chunks;

// As programs have it: a malloc that does not return without memory, and does more besides.
void *take_chunk(long size) {
    ++chunks_taken;
    if (chunks_run_out) longjmp(out_of_chunks, 1);
    return calloc(1, static_cast<std::size_t>(size));
}
void *take_chunk_for(void *owner, long size) {
    ++*static_cast<int *>(owner);
    return malloc(static_cast<std::size_t>(size));
}
void give_back_for(void *owner, void *chunk) {
    --*static_cast<int *>(owner);
    free(chunk);
}

void *begin(obstack *stack) {
    _obstack_begin(stack, 0, 0, take_chunk, free);
    return stack->chunk;
}

// Objects of many sizes, some of which grow over the ends of chunks.
void fill_and_check(obstack *stack) {
    std::vector<unsigned char *> objects;
    for (std::size_t i = 0; i < 500; ++i) {
        const std::size_t size = 1 + i * 37 % 700;
        if (i % 3 == 0) {
            for (std::size_t at = 0; at < size; ++at)
                obstack_1grow(stack, static_cast<char>(pattern_byte(i, at)));
            objects.push_back(static_cast<unsigned char *>(obstack_finish(stack)));
        } else {
            objects.push_back(
                static_cast<unsigned char *>(obstack_alloc(stack, static_cast<int>(size))));
            write_pattern(objects.back(), size, i);
        }
    }
    for (std::size_t i = 0; i < objects.size(); ++i)
        REQUIRE(has_pattern(objects[i], 1 + i * 37 % 700, i));
    obstack_free(stack, objects[100]);
    for (std::size_t i = 0; i < 100; ++i)
        REQUIRE(has_pattern(objects[i], 1 + i * 37 % 700, i));
}

SCENARIO(outside_regions) {
    start_of_scratch_memory();
    for (int round = 0; round < 100; ++round) {
        obstack stack;
        const int before = chunks_taken;
        REQUIRE(is_scratch(begin(&stack)));
        fill_and_check(&stack);
        REQUIRE(chunks_taken > before + 20 && is_scratch(stack.chunk));
        // Plain calls beside it are not served.
        void *beside = malloc(100);
        REQUIRE(!is_scratch(beside));
        free(beside);
        obstack_free(&stack, nullptr);
    }
    return 0;
}

TEST(obstacks, outside_regions_come_and_go) {
    for (const bool statistics : {true, false}) {
        const outcome result = run(outside_regions, {.statistics = statistics});
        ASSERT_TRUE(result.exited_with(0)) << result.describe();
        if (!statistics) continue;
        EXPECT_LE(result.count("chunk_bytes_peak"), 512u << 10);
        EXPECT_LE(result.count("chunk_bytes"), 64u << 10);
    }
}

SCENARIO(with_an_argument) {
    start_of_scratch_memory();
    int held = 0;
    obstack stack;
    _obstack_begin_1(&stack, 2000, 64, take_chunk_for, give_back_for, &held);
    REQUIRE(held == 1 && is_scratch(stack.chunk) && obstack_chunk_size(&stack) == 2000);
    fill_and_check(&stack);
    REQUIRE(held > 1 && is_scratch(stack.chunk));
    obstack_free(&stack, nullptr);
    REQUIRE(held == 0);
    return 0;
}

TEST(obstacks, with_an_argument_come_and_go) {
    const outcome result = run(with_an_argument);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(in_trusted_regions) {
    start_of_scratch_memory();
    for (int round = 0; round < 200; ++round) {
        SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
        obstack stack;
        // libc calls malloc itself here.
        _obstack_begin(&stack, 0, 0, reinterpret_cast<void *(*)(long)>(malloc), free);
        REQUIRE(is_scratch(stack.chunk));
        fill_and_check(&stack);
        REQUIRE(is_scratch(stack.chunk));
    }
    return 0;
}

TEST(obstacks, in_trusted_regions_are_reclaimed) {
    const outcome result = run(in_trusted_regions);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_LE(result.count("trusted_bytes_peak"), 1u << 20);
    EXPECT_EQ(result.count("next_bytes") < (1u << 20), true);
}

// Some that last for ever leave room for regions.
SCENARIO(many_for_ever) {
    start_of_scratch_memory();
    static obstack stacks[3000];
    std::size_t served = 0;
    for (obstack &stack : stacks)
        if (is_scratch(begin(&stack))) ++served;
    REQUIRE(served > 100 && served < 1000);
    SCRATCH_REGION("work");
    std::vector<void *> blocks;
    for (int i = 0; i < 100; ++i) {
        blocks.push_back(malloc(10000));
        REQUIRE(is_scratch(blocks.back()));
    }
    for (void *block : blocks)
        free(block);
    return 0;
}

TEST(obstacks, that_last_for_ever_leave_room) {
    const outcome result = run(many_for_ever);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_LE(result.count("chunk_bytes"), 3u << 20);
}

SCENARIO(out_of_memory) {
    start_of_scratch_memory();
    obstack stack;
    begin(&stack);
    chunks_run_out = true;
    if (setjmp(out_of_chunks) == 0) {
        for (int i = 0; i < 100; ++i)
            REQUIRE(obstack_alloc(&stack, 1000) != nullptr);
        return 1;
    }
    chunks_run_out = false;
    // What is allocated from here on is freed as anything is.
    std::vector<void *> blocks;
    for (std::size_t i = 0; i < 500; ++i) {
        blocks.push_back(malloc(500));
        write_pattern(blocks.back(), 500, i);
    }
    for (std::size_t i = 0; i < 500; ++i)
        REQUIRE(has_pattern(blocks[i], 500, i));
    for (void *block : blocks)
        free(block);
    fill_and_check(&stack);
    obstack_free(&stack, nullptr);
    void *after = malloc(500);
    REQUIRE(!is_scratch(after));
    free(after);
    return 0;
}

TEST(obstacks, may_be_jumped_out_of) {
    const outcome result = run(out_of_memory);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// One thread begins it, another goes on.
SCENARIO(handed_on) {
    start_of_scratch_memory();
    obstack stack;
    begin(&stack);
    std::thread([&stack] { fill_and_check(&stack); }).join();
    fill_and_check(&stack);
    obstack_free(&stack, nullptr);
    return 0;
}

TEST(obstacks, may_be_handed_to_another_thread) {
    for (const char *mode : {"off", "scoped", "adaptive"}) {
        const outcome result = run(handed_on, {.mode = mode});
        EXPECT_TRUE(result.exited_with(0)) << mode << result.describe();
    }
}

} // namespace
