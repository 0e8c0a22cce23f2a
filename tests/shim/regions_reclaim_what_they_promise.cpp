// Regions: a counted one reclaims what was freed in it and lets the rest live; a trusted one
// reclaims all.
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <cwchar>
#include <dlfcn.h>
#include <exception>
#include <gtest/gtest.h>
#include <initializer_list>
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

// --- counted
// ---------------------------------------------------------------------------------------

SCENARIO(counted_reclaims_what_was_freed) {
    start_of_scratch_memory();
    for (int round = 0; round < 200000; ++round) {
        SCRATCH_REGION("round");
        void *blocks[8];
        for (std::size_t i = 0; i < 8; ++i)
            blocks[i] = malloc(100 + i);
        REQUIRE(round != 100 || is_scratch(blocks[7]));
        for (void *block : blocks)
            free(block);
    }
    return 0;
}

TEST(counted_region, reclaims_what_was_freed) {
    const outcome result = run(counted_reclaims_what_was_freed);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 200001u);
    EXPECT_EQ(result.count("scratch_calls"), 1600001u);
    EXPECT_EQ(result.count("escapes"), 0u);
    EXPECT_LE(result.count("chunk_bytes_peak"), 128u << 10);
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
}

SCENARIO(escapes_stay_valid) {
    start_of_scratch_memory();
    constexpr std::size_t rounds = 300;
    std::vector<unsigned char *> escaped(3 * rounds);
    for (std::size_t round = 0; round < rounds; ++round) {
        SCRATCH_REGION("round");
        const std::size_t sizes[] = {48, 3000, round % 50 == 0 ? 100000u : 500u};
        for (std::size_t i = 0; i < 3; ++i) {
            free(malloc(500));
            void *dropped = malloc(700);
            auto *kept = static_cast<unsigned char *>(malloc(sizes[i]));
            write_pattern(kept, sizes[i], 3 * round + i);
            escaped[3 * round + i] = kept;
            free(dropped);
        }
    }
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::size_t sizes[] = {48, 3000, round % 50 == 0 ? 100000u : 500u};
        for (std::size_t i = 0; i < 3; ++i)
            REQUIRE(has_pattern(escaped[3 * round + i], sizes[i], 3 * round + i));
    }
    std::thread([&] {
        for (std::size_t i = 0; i < escaped.size(); i += 2)
            free(escaped[i]);
    }).join();
    for (std::size_t i = 1; i < escaped.size(); i += 2)
        free(escaped[i]);
    // Makes this thread take in what the other one freed.
    SCRATCH_REGION("last");
    free(malloc(40000));
    return 0;
}

TEST(counted_region, escapes_stay_valid_until_they_are_freed) {
    const outcome result = run(escapes_stay_valid, {.environment = {"SCRATCH_BUDGET=64M"}});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 900u);
    EXPECT_GE(result.count("escaped_bytes"), 300u * 3548 + 6 * 99500);
    EXPECT_LE(result.count("escaped_bytes"), 300u * 3548 + 6 * 99500 + 900 * 16);
    EXPECT_EQ(result.count("remote_frees"), 450u);
    EXPECT_EQ(result.count("pinned_bytes"), 0u);
    EXPECT_LE(result.count("chunk_bytes"), 128u << 10);
    EXPECT_EQ(result.count("large_bytes"), 0u);
}

// A block of the outer region freed within the inner one leaves room for the outer one to use.
SCENARIO(outer_blocks_freed_inside) {
    start_of_scratch_memory();
    for (int round = 0; round < 100000; ++round) {
        SCRATCH_REGION("outer");
        void *below = malloc(100);
        void *outer = malloc(1000);
        void *top = malloc(1000);
        {
            SCRATCH_REGION("inner");
            void *inner = malloc(1000);
            free(top);
            free(outer);
            free(inner);
        }
        void *again = malloc(1000);
        REQUIRE(again == outer);
        free(again);
        free(below);
    }
    return 0;
}

TEST(counted_region, inner_frees_of_outer_blocks_are_reclaimed) {
    const outcome result = run(outer_blocks_freed_inside);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 0u);
    EXPECT_LE(result.count("chunk_bytes_peak"), 192u << 10);
}

// What was freed beneath the newest block is used again as soon as that one is freed.
SCENARIO(holes_beneath_the_newest) {
    start_of_scratch_memory();
    SCRATCH_REGION("holes");
    for (int round = 0; round < 1000; ++round) {
        void *blocks[10];
        for (void *&block : blocks)
            block = malloc(100);
        for (std::size_t i = 0; i < 9; ++i)
            free(blocks[(i * 7) % 9]);
        free(blocks[9]);
        void *again = malloc(100);
        REQUIRE(again == blocks[0]);
        free(again);
    }
    return 0;
}

TEST(counted_region, holes_beneath_the_newest_block_are_reclaimed) {
    const outcome result = run(holes_beneath_the_newest);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("chunk_bytes_peak"), 64u << 10);
}

// --- trusted
// ---------------------------------------------------------------------------------------

SCENARIO(trusted_reclaims_all) {
    start_of_scratch_memory();
    std::size_t resident = 0;
    for (int round = 0; round < 1000000; ++round) {
        SCRATCH_REGION("round", SCRATCH_TRUSTED);
        for (std::size_t i = 0; i < 5; ++i)
            static_cast<char *>(malloc(100 + 40 * i))[0] = 1;
        if (round % 1000 == 0) static_cast<char *>(malloc(200000))[100000] = 1;
        if (round == 10000) resident = resident_bytes();
    }
    REQUIRE(resident_bytes() <= resident + one_mib);
    return 0;
}

TEST(trusted_region, memory_is_flat_over_a_million_rounds_of_leaks) {
    const outcome result = run(trusted_reclaims_all);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 1000001u);
    EXPECT_EQ(result.count("scratch_calls"), 5001001u);
    EXPECT_EQ(result.count("escapes"), 0u);
    EXPECT_LE(result.count("trusted_bytes_peak"), 128u << 10);
    EXPECT_LE(result.count("large_bytes_peak"), 512u << 10);
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
    EXPECT_EQ(result.count("large_bytes"), 0u);
}

void leak_in_nested_regions(int depth) {
    SCRATCH_REGION("nested", depth % 2 == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
    for (int i = 0; i < 20; ++i)
        static_cast<char *>(malloc(300))[299] = 1;
    static_cast<char *>(malloc(100000))[0] = 1;
    if (depth < 5) leak_in_nested_regions(depth + 1);
}

SCENARIO(trusted_reclaims_nested) {
    start_of_scratch_memory();
    std::size_t mapped = 0;
    for (int round = 0; round < 20000; ++round) {
        leak_in_nested_regions(0);
        if (round == 100) mapped = resident_bytes();
    }
    REQUIRE(resident_bytes() <= mapped + one_mib);
    return 0;
}

// What escapes from a counted region within a trusted one is the trusted one's.
TEST(trusted_region, reclaims_what_escaped_from_regions_within) {
    const outcome result = run(trusted_reclaims_nested);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
    EXPECT_EQ(result.count("large_bytes"), 0u);
}

// A long region does not hold all that it ever took: what is freed in it is used again.
SCENARIO(trusted_lasts) {
    start_of_scratch_memory();
    SCRATCH_REGION("long", SCRATCH_TRUSTED);
    void *queue[64] = {};
    for (std::size_t i = 0; i < 3000000; ++i) {
        void *&place = queue[i % 64];
        free(place);
        place = malloc(40 + i % 200);
        static_cast<char *>(place)[0] = 1;
        REQUIRE(is_scratch(place));
    }
    return 0;
}

TEST(trusted_region, reclaims_what_is_freed_while_it_lasts) {
    const outcome result = run(trusted_lasts);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_LE(result.count("trusted_bytes_peak"), 4u << 20);
}

// Linked into the program, the runtime of C++ cannot be told from it, and what it keeps in a
// trusted region is lost as the program's blocks are. The cross build for macOS has no other.
bool runtime_is_a_library() { return dlsym(RTLD_DEFAULT, "__cxa_throw") != nullptr; }

std::exception_ptr thrown() {
    try {
        throw std::runtime_error("an exception that is kept, with a long text in it");
    } catch (...) {
        return std::current_exception();
    }
}

// What the runtime keeps must live on: streams, their buffers, the environment, a pending
// exception, handlers for exit.
SCENARIO(runtime_keeps_its_own) {
    FILE *file;
    std::exception_ptr pending;
    static int called = 0;
    {
        SCRATCH_REGION("warm", SCRATCH_TRUSTED);
        file = tmpfile();
        REQUIRE(file != nullptr);
        REQUIRE(fputs("kept\n", file) >= 0);
        REQUIRE(setenv("SCRATCH_TEST_VARIABLE", "a value that is kept", 1) == 0);
        if (runtime_is_a_library()) pending = thrown();
        for (int i = 0; i < 100; ++i)
            REQUIRE(atexit([] {
                        ++called;
                        if (called == 100) _exit(0);
                    }) == 0);
    }
    {
        SCRATCH_REGION("overwrite", SCRATCH_TRUSTED);
        for (int i = 0; i < 500; ++i)
            memset(malloc(100), 0xee, 100);
    }
    REQUIRE(std::string(getenv("SCRATCH_TEST_VARIABLE")) == "a value that is kept");
    REQUIRE(fputs("more\n", file) >= 0);
    rewind(file);
    char line[100];
    REQUIRE(fgets(line, sizeof line, file) != nullptr && std::string(line) == "kept\n");
    fclose(file);
    if (pending != nullptr) {
        try {
            std::rethrow_exception(pending);
        } catch (const std::runtime_error &) {
        }
    }
    pending = nullptr;
    exit(1); // one of the handlers makes it 0
}

TEST(trusted_region, leaves_what_the_runtime_keeps) {
    const outcome result = run(runtime_keeps_its_own, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// --- large blocks and alignments
// ---------------------------------------------------------------------

SCENARIO(large_and_aligned) {
    start_of_scratch_memory();
    for (int round = 0; round < 50; ++round) {
        SCRATCH_REGION("large", round % 2 == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
        std::vector<void *> blocks;
        std::size_t number = 0;
        for (std::size_t alignment = 16; alignment <= 65536; alignment *= 4) {
            for (const std::size_t size :
                 std::initializer_list<std::size_t>{10, 5000, 32000, 33000, 100000, 700000}) {
                void *block = memalign(alignment, size);
                REQUIRE(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
                REQUIRE(is_scratch(block) == (alignment <= 4096));
                write_pattern(block, size, number++);
                blocks.push_back(block);
            }
        }
        number = 0;
        for (std::size_t alignment = 16; alignment <= 65536; alignment *= 4)
            for (const std::size_t size :
                 std::initializer_list<std::size_t>{10, 5000, 32000, 33000, 100000, 700000}) {
                REQUIRE(has_pattern(blocks[number], size, number));
                ++number;
            }
        for (void *block : blocks)
            free(block);
    }
    return 0;
}

TEST(region, serves_large_blocks_and_alignments) {
    const outcome result = run(large_and_aligned);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("large_bytes"), 0u);
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
}

// Addresses are not used up by blocks that were given back.
SCENARIO(large_again_and_again) {
    start_of_scratch_memory();
    for (std::size_t round = 0; round < 6000; ++round) {
        SCRATCH_REGION("large", round % 2 == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
        auto *large = static_cast<char *>(calloc(1, 20 * one_mib));
        auto *larger = static_cast<char *>(malloc((21 + round % 8) * one_mib));
        REQUIRE(is_scratch(large) && is_scratch(larger));
        REQUIRE(large[round * 3000] == 0 && large[20 * one_mib - 1] == 0);
        large[round * 3000] = larger[0] = 1;
        free(larger);
        free(large);
    }
    return 0;
}

TEST(region, large_blocks_reuse_their_addresses) {
    const outcome result = run(large_again_and_again);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("large_bytes"), 0u);
}

// Zeroed memory is zero where pages were used before, and where the system refuses to take them
// back (locked memory).
SCENARIO(zeroed_again) {
    start_of_scratch_memory();
    if (std::getenv("SCRATCH_TEST_LOCK") != nullptr && mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        REQUIRE(errno == ENOSYS); // as macOS says
        return 77;
    }
    for (int round = 0; round < 15; ++round) {
        SCRATCH_REGION("zeroed");
        void *blocks[20];
        const std::size_t sizes[] = {40000, 60000, 300000, 900000, 33000};
        for (std::size_t i = 0; i < 20; ++i) {
            blocks[i] = calloc(1, sizes[i % 5]);
            REQUIRE(is_zero(blocks[i], sizes[i % 5]));
            memset(blocks[i], 0xff, sizes[i % 5]);
        }
        // More than are kept with their pages, each in a chunk of its own.
        static void *single[200];
        for (void *&block : single) {
            block = calloc(1, 60000);
            REQUIRE(is_zero(block, 60000));
            memset(block, 0xff, 60000);
        }
        for (void *block : single)
            free(block);
        void *most = malloc(20 * one_mib);
        memset(most, 0xff, 20 * one_mib);
        for (std::size_t i = 0; i < 20; ++i)
            free(blocks[(i * 7 + static_cast<std::size_t>(round)) % 20]);
        free(most);
    }
    return 0;
}

TEST(region, zeroed_blocks_are_zero) {
    const outcome result = run(zeroed_again);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

TEST(region, zeroed_blocks_are_zero_where_memory_is_locked) {
    if (geteuid() != 0) GTEST_SKIP() << "LOUDLY SKIPPED: locking memory needs root";
    const outcome result = run(zeroed_again, {.environment = {"SCRATCH_TEST_LOCK=1"}});
    if (result.exited_with(77)) GTEST_SKIP() << "LOUDLY SKIPPED: this system locks no memory";
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
