// Where addresses or memory are limited, the shim takes little of them or nothing, and the program
// gets ENOMEM where libc would give it, no earlier, and goes on.
#include <atomic>
#include <cerrno>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

constexpr std::size_t one_mib = std::size_t{1} << 20;

// Takes blocks until there are no more, then gives all back and takes as many again.
std::size_t fill_memory(std::size_t size) {
    struct link {
        link *next;
    };
    std::size_t first_count = 0;
    for (int round = 0; round < 2; ++round) {
        link *newest = nullptr;
        std::size_t count = 0;
        for (;;) {
            errno = 0;
            auto *block = static_cast<link *>(malloc(size));
            if (block == nullptr) {
                REQUIRE(errno == ENOMEM);
                break;
            }
            block->next = newest;
            newest = block;
            ++count;
        }
        REQUIRE(calloc(1, size * 4) == nullptr);
        void *untouched = &count;
        REQUIRE(posix_memalign(&untouched, 64, size * 4) == ENOMEM && untouched == &count);
        while (newest != nullptr) {
            link *next = newest->next;
            free(newest);
            newest = next;
        }
        if (round == 0) first_count = count;
        REQUIRE(count >= first_count * 9 / 10);
    }
    return first_count;
}

SCENARIO(fill_outside) {
    scratch_free(scratch_alloc(100));
    dprintf(STDOUT_FILENO, "%zu", fill_memory(one_mib));
    return 0;
}

SCENARIO(fill_in_region) {
    SCRATCH_REGION("fill");
    dprintf(STDOUT_FILENO, "%zu", fill_memory(one_mib));
    return 0;
}

SCENARIO(fill_small_in_region) {
    SCRATCH_REGION("fill");
    dprintf(STDOUT_FILENO, "%zu", fill_memory(4000));
    return 0;
}

SCENARIO(fill_small_in_trusted_region) {
    SCRATCH_REGION("fill", SCRATCH_TRUSTED);
    dprintf(STDOUT_FILENO, "%zu", fill_memory(4000));
    return 0;
}

SCENARIO(fill_on_threads) {
    std::vector<std::thread> threads;
    static std::atomic<int> started{0}; // a thread needs memory to start
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([t] {
            started.fetch_add(1);
            while (started.load() != 3)
                std::this_thread::yield();
            for (int round = 0; round < 30; ++round) {
                SCRATCH_REGION("fill", t == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
                void *blocks[2000];
                std::size_t count = 0;
                // One thread asks for more than there is, the others for chunk after chunk.
                const std::size_t size = t == 0 ? 60 * one_mib : 4000;
                while (count < std::size(blocks)) {
                    blocks[count] = malloc(size);
                    if (blocks[count] == nullptr) break;
                    memset(blocks[count], 1, 100);
                    ++count;
                }
                while (count > 0)
                    free(blocks[--count]);
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    return 0;
}

struct limited {
    int resource;
    std::size_t bytes;
};

// The limit is there before the program starts.
outcome run_limited(const scenario &wanted, const limited &limit, conditions under) {
    under.limit_resource = limit.resource;
    under.limit_bytes = limit.bytes;
    return run(wanted, under);
}

TEST(limited_memory, gives_the_program_nearly_all_of_it) {
    for (const limited limit :
         {limited{RLIMIT_AS, 200 * one_mib}, limited{RLIMIT_AS, 1024 * one_mib},
          limited{RLIMIT_AS, 2252 * one_mib}, limited{RLIMIT_DATA, 100 * one_mib}}) {
        const outcome bare = run_limited(fill_outside, limit, {.preload = false});
        ASSERT_TRUE(bare.exited_with(0)) << bare.describe();
        for (const char *mode : {"off", "scoped", "adaptive"}) {
            for (const scenario *wanted : {&fill_outside, &fill_in_region}) {
                const outcome result = run_limited(*wanted, limit, {.mode = mode});
                ASSERT_TRUE(result.exited_with(0))
                    << mode << limit.bytes << wanted->name << result.describe();
                // A sixteenth for the stacks, and the shim itself.
                EXPECT_GE(std::stoul(result.output) * one_mib + limit.bytes / 16 + 16 * one_mib,
                          std::stoul(bare.output) * one_mib)
                    << mode << " " << wanted->name << " under " << limit.bytes;
            }
        }
    }
}

SCENARIO(first_region) {
    const std::size_t before = mapped_bytes();
    {
        SCRATCH_REGION("first");
        free(malloc(100));
    }
    REQUIRE(mapped_bytes() <= before + 320 * one_mib / 16 + one_mib);
    return 0;
}

// Beside the stacks themselves: addresses for threads that may never be are not taken.
TEST(limited_memory, is_taken_for_little_else_than_stacks) {
    const outcome result =
        run_limited(first_region, {RLIMIT_AS, 320 * one_mib}, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

TEST(limited_memory, is_used_and_given_back_in_regions) {
    for (const limited limit :
         {limited{RLIMIT_AS, 300 * one_mib}, limited{RLIMIT_DATA, 50 * one_mib}}) {
        for (const scenario *wanted : {&fill_small_in_region, &fill_small_in_trusted_region}) {
            const outcome result = run_limited(*wanted, limit, {.statistics = false});
            EXPECT_TRUE(result.exited_with(0)) << limit.bytes << wanted->name << result.describe();
        }
    }
}

TEST(limited_memory, is_shared_by_threads) {
    for (const limited limit :
         {limited{RLIMIT_DATA, 100 * one_mib}, limited{RLIMIT_AS, 1024 * one_mib}}) {
        const outcome result = run_limited(fill_on_threads, limit, {});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
}

// What cannot be had is not taken: nothing is pushed, everything works, and the report says so.
SCENARIO(in_a_region) {
    SCRATCH_REGION("region", SCRATCH_TRUSTED);
    void *tagged = scratch_alloc(100);
    void *plain = malloc(100);
    REQUIRE(tagged != nullptr && plain != nullptr);
    scratch_free(tagged);
    free(plain);
    return 0;
}

TEST(limited_memory, too_little_for_stacks_is_left_to_the_program) {
    const outcome result = run_limited(in_a_region, {RLIMIT_AS, 200 * one_mib}, {});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("scratch_calls"), 0u);
    EXPECT_EQ(result.error, "");
    EXPECT_NE(result.reports.at(result.process).find("\"stood_aside\":\"no_memory\""),
              std::string::npos)
        << result.describe();
}

TEST(limited_memory, enough_for_stacks_is_used) {
    const outcome result = run_limited(in_a_region, {RLIMIT_AS, 1024 * one_mib}, {});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("scratch_calls"), 2u);
}

// The limit comes when the program runs: the addresses are there, the memory is not.
SCENARIO(limited_later) {
    start_of_scratch_memory();
    const rlimit limit = {60 * one_mib, 60 * one_mib};
    REQUIRE(setrlimit(RLIMIT_DATA, &limit) == 0);
    {
        SCRATCH_REGION("later");
        fill_memory(300000);
        fill_memory(4000);
    }
    {
        SCRATCH_REGION("later and trusted", SCRATCH_TRUSTED);
        fill_memory(4000);
    }
    SCRATCH_REGION("after that");
    free(malloc(100));
    return 0;
}

TEST(limited_memory, may_be_limited_later) {
    const outcome result = run(limited_later);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// libc shrinks where a block stands, and so fails never.
SCENARIO(shrink_without_memory) {
    start_of_scratch_memory();
    SCRATCH_REGION("shrink");
    constexpr std::size_t small_size = 30000;
    void *small = malloc(small_size);
    void *newer = malloc(small_size);
    void *large = malloc(8 * one_mib);
    REQUIRE(is_scratch(small) && is_scratch(large));
    write_pattern(small, small_size, 1);
    write_pattern(large, 8 * one_mib, 2);
    void *taken = nullptr;
    for (std::size_t size : {one_mib, std::size_t{64} << 10, std::size_t{4} << 10, std::size_t{16}})
        while (auto **block = static_cast<void **>(malloc(size))) {
            *block = taken;
            taken = block;
        }
    errno = 0;
    small = realloc(small, small_size / 3);
    REQUIRE(small != nullptr && errno == 0);
    REQUIRE(has_pattern(small, small_size / 3, 1, small_size));
    large = reallocarray(large, 100, 1000);
    REQUIRE(large != nullptr && errno == 0);
    REQUIRE(has_pattern(large, 100 * 1000, 2, 8 * one_mib));
    // One that grows has nowhere to go, and is kept.
    void *grown = realloc(large, 64 * one_mib);
    REQUIRE(grown == nullptr && errno == ENOMEM);
    REQUIRE(has_pattern(large, 100 * 1000, 2, 8 * one_mib));
    free(large);
    free(newer);
    free(small);
    return 0;
}

TEST(limited_memory, lets_blocks_shrink) {
    const outcome result =
        run_limited(shrink_without_memory, {RLIMIT_AS, 320 * one_mib}, {.mode = "scoped"});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// More than any machine has, again and again: nothing is lost by asking.
SCENARIO(impossible_requests) {
    start_of_scratch_memory();
    SCRATCH_REGION("impossible", SCRATCH_TRUSTED);
    const std::size_t before = mapped_bytes();
    for (int round = 0; round < 2000; ++round) {
        for (const std::size_t size : {std::size_t{1} << 46, std::size_t{1} << 40,
                                       std::size_t{PTRDIFF_MAX} - 70000, std::size_t{1} << 60}) {
            errno = 0;
            REQUIRE(malloc(size) == nullptr && errno == ENOMEM);
        }
        void *block = malloc(100);
        REQUIRE(is_scratch(block));
        free(block);
    }
    REQUIRE(mapped_bytes() <= before + 10 * one_mib);
    return 0;
}

TEST(limited_memory, impossible_requests_cost_nothing) {
    const outcome result = run(impossible_requests);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
