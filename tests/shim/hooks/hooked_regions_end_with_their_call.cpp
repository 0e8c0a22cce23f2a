// The region of a hooked function begins with its call and ends when it returns, by its kind.
#include <glob.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "library.h"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

constexpr std::size_t one_mib = std::size_t{1} << 20;

void allocate_into(void *place) { *static_cast<void **>(place) = malloc(100); }

void *allocated_in(void (*call)(callback *, void *)) {
    void *block = nullptr;
    call(allocate_into, &block);
    return block;
}

SCENARIO(scratch_inside_only) {
    start_of_scratch_memory();
    for (int i = 0; i < 5; ++i) {
        void *before = malloc(10);
        void *inside = allocated_in(counted_call);
        void *trusted = allocated_in(trusted_call);
        void *after = malloc(10);
        REQUIRE(!is_scratch(before) && is_scratch(inside) && is_scratch(trusted) &&
                !is_scratch(after));
        free(before);
        free(inside);
        free(after);
    }
    return 0;
}
TEST(hooked_region, lasts_as_long_as_the_call) {
    for (const char *mode : {"scoped", "adaptive"}) {
        const outcome result = run(scratch_inside_only, {.mode = mode});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
        EXPECT_EQ(result.count("escapes"), 5u);
        EXPECT_EQ(result.count("regions_entered"), 11u);
        EXPECT_EQ(result.count("trusted_bytes"), 0u);
        if (std::string(mode) == "scoped") {
            EXPECT_EQ(result.count("chunk_bytes"), 0u);
        }
    }
}
TEST(hooked_region, is_one_where_nothing_is_counted) {
    const outcome result = run(scratch_inside_only, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(libc_inside) {
    start_of_scratch_memory();
    for (int i = 0; i < 5; ++i) {
        glob_t found = {};
        counted_call([](void *place) { glob("/*", 0, nullptr, static_cast<glob_t *>(place)); },
                     &found);
        REQUIRE(found.gl_pathc != 0 && is_scratch(found.gl_pathv));
        globfree(&found);
    }
    return 0;
}
TEST(hooked_region, serves_libc_whether_calls_are_counted_or_not) {
    for (const bool counted : {false, true}) {
        const outcome result = run(libc_inside, {.statistics = counted});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
}

SCENARIO(trusted_forever) {
    start_of_scratch_memory();
    std::size_t resident = 0;
    for (int round = 0; round < 200000; ++round) {
        trusted_call(
            [](void *) {
                for (int i = 0; i < 10; ++i)
                    memset(malloc(200), 1, 200);
            },
            nullptr);
        if (round == 100) resident = resident_bytes();
    }
    REQUIRE(resident_bytes() <= resident + one_mib);
    return 0;
}
TEST(hooked_region, takes_back_what_a_trusted_function_leaks) {
    for (const bool counted : {false, true}) {
        const outcome result = run(trusted_forever, {.statistics = counted});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
}

SCENARIO(escapes_live_on) {
    start_of_scratch_memory();
    std::vector<unsigned char *> blocks;
    for (std::size_t i = 0; i < 1000; ++i) {
        auto *block = static_cast<unsigned char *>(allocated_in(counted_call));
        REQUIRE(is_scratch(block));
        write_pattern(block, 100, i);
        blocks.push_back(block);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        REQUIRE(has_pattern(blocks[i], 100, i));
        free(blocks[i]);
    }
    return 0;
}
TEST(hooked_region, leaves_what_escapes_from_a_counted_function_alone) {
    const outcome result = run(escapes_live_on, {.environment = {"SCRATCH_BUDGET=512M"}});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 1000u);
}

SCENARIO(recursion) {
    for (int i = 0; i < 10; ++i)
        REQUIRE(recurse(20) == 20);
    return 0;
}
TEST(hooked_region, nests_when_its_function_calls_itself) {
    const outcome result = run(recursion);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 200u);
}

SCENARIO(deep_recursion) {
    start_of_scratch_memory();
    for (int i = 0; i < 10; ++i)
        REQUIRE(recurse(500) == 500);
    void *after = malloc(10);
    REQUIRE(!is_scratch(after));
    free(after);
    return 0;
}
TEST(hooked_region, counts_as_the_one_around_where_calls_nest_too_deep) {
    const outcome result = run(deep_recursion);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GE(result.count("regions_entered"), 480u);
    EXPECT_LE(result.count("regions_entered"), 481u);
}

SCENARIO(own_threads) {
    start_of_scratch_memory();
    trusted_call(
        [](void *) {
            void *here = malloc(10);
            REQUIRE(is_scratch(here));
            std::thread([] {
                void *elsewhere = malloc(10);
                REQUIRE(!is_scratch(elsewhere));
                for (int i = 0; i < 1000; ++i) {
                    void *inside = allocated_in(counted_call);
                    REQUIRE(is_scratch(inside));
                    free(inside);
                }
                void *after = malloc(10);
                REQUIRE(!is_scratch(after));
                free(after);
                free(elsewhere);
            }).join();
            void *still = malloc(10);
            REQUIRE(is_scratch(still));
        },
        nullptr);
    return 0;
}
TEST(hooked_region, belongs_to_one_thread) {
    const outcome result = run(own_threads);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(many_threads) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([] {
            for (int i = 0; i < 20000; ++i) {
                void *block = allocated_in(counted_call);
                REQUIRE(allocated_in(trusted_call) != nullptr);
                free(block);
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    return 0;
}
TEST(hooked_region, is_counted_exactly_with_many_threads) {
    const outcome result = run(many_threads);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 320000u);
}

TEST(hooked_function, is_in_the_report_with_its_calls) {
    const outcome result = run(many_threads);
    const std::string report = result.reports.at(result.process);
    for (const char *name : {"counted_call", "trusted_call"}) {
        const std::string kind = name[0] == 'c' ? "region" : "trusted region";
        EXPECT_NE(report.find("{\"label\":\"label of " + std::string(name) + "\",\"kind\":\"" +
                              kind + "\",\"calls\":160000}"),
                  std::string::npos)
            << report;
    }
    EXPECT_EQ(report.find("longjmp"), std::string::npos) << report;
}

SCENARIO(nested_in_annotated) {
    start_of_scratch_memory();
    for (int i = 0; i < 10; ++i) {
        SCRATCH_REGION("around", SCRATCH_TRUSTED);
        void *outer = malloc(50);
        write_pattern(outer, 50, 1);
        counted_call(
            [](void *) {
                SCRATCH_REGION("inside");
                free(malloc(60));
            },
            nullptr);
        REQUIRE(has_pattern(outer, 50, 1));
        void *again = malloc(50);
        REQUIRE(is_scratch(again));
    }
    void *after = malloc(10);
    REQUIRE(!is_scratch(after));
    return 0;
}
TEST(hooked_region, nests_with_annotated_ones) {
    const outcome result = run(nested_in_annotated);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
}

SCENARIO(left_open_inside) {
    start_of_scratch_memory();
    for (int i = 0; i < 50; ++i) {
        trusted_call(
            [](void *number) {
                scratch_region_enter("never left", 0);
                void *inside = malloc(100);
                REQUIRE(is_scratch(inside));
                // With a block and without.
                if (*static_cast<int *>(number) % 2 == 0) free(inside);
            },
            &i);
        void *after = malloc(10);
        REQUIRE(!is_scratch(after));
        free(after);
    }
    return 0;
}
TEST(hooked_region, ends_with_what_was_left_open_in_it) {
    for (const bool counted : {false, true}) {
        const outcome result = run(left_open_inside, {.statistics = counted});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
}

SCENARIO(freed_by_another) {
    for (std::size_t i = 0; i < 200; ++i) {
        trusted_call(
            [](void *) {
                void *blocks[20];
                for (void *&block : blocks)
                    block = malloc(100);
                std::thread([&blocks] {
                    for (void *block : blocks)
                        free(block);
                }).join();
            },
            nullptr);
        trusted_call(
            [](void *number) {
                void *blocks[20];
                const std::size_t first = *static_cast<std::size_t *>(number);
                for (std::size_t at = 0; at < 20; ++at)
                    write_pattern(blocks[at] = malloc(100), 100, first + at);
                counted_call([](void *) { malloc(100); }, nullptr);
                for (std::size_t at = 0; at < 20; ++at)
                    REQUIRE(has_pattern(blocks[at], 100, first + at));
            },
            &i);
    }
    return 0;
}
TEST(hooked_region, takes_back_what_other_threads_freed) {
    for (const bool counted : {false, true}) {
        const outcome result = run(freed_by_another, {.statistics = counted});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
}

SCENARIO(large_blocks) {
    std::size_t resident = 0;
    for (int round = 0; round < 300; ++round) {
        trusted_call([](void *) { memset(malloc(one_mib), 1, one_mib); }, nullptr);
        if (round == 5) resident = resident_bytes();
    }
    REQUIRE(resident_bytes() <= resident + 2 * one_mib);
    return 0;
}
TEST(hooked_region, takes_large_blocks_back_too) {
    const outcome result = run(large_blocks);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
