// A free of what must not be freed stops the program by SIGABRT, with the block's story on standard
// error; it never does damage first and goes on.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <regex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

// The compiler must not know that what follows is wrong.
template <typename T>
T *hidden(T *pointer) {
    __asm__ volatile("" : "+r"(pointer));
    return pointer;
}

// Counted unless the test says otherwise.
unsigned kind_of_region() {
    return std::getenv("TEST_TRUSTED") != nullptr ? SCRATCH_TRUSTED : SCRATCH_COUNTED;
}

SCENARIO(double_free_of_newest) {
    SCRATCH_REGION("region", kind_of_region());
    void *block = malloc(100);
    free(block);
    free(hidden(block));
    return 0;
}

SCENARIO(double_free_of_hole) {
    SCRATCH_REGION("region", kind_of_region());
    void *block = malloc(100);
    void *above = malloc(100);
    free(block);
    free(hidden(block));
    free(above);
    return 0;
}

SCENARIO(double_free_after_pop) {
    SCRATCH_REGION("region", kind_of_region());
    void *below = malloc(100);
    void *block = malloc(100);
    void *above = malloc(100);
    free(block);
    free(above);
    free(below);
    free(hidden(block));
    return 0;
}

SCENARIO(double_free_of_escape) {
    void *block;
    {
        SCRATCH_REGION("region", kind_of_region());
        block = malloc(100);
        malloc(100);
    }
    free(block);
    free(hidden(block));
    return 0;
}

// A trusted region that ends out of order ends as a counted one.
void *escape_from_trusted() {
    const scratch_region_token outer = scratch_region_enter("outer", SCRATCH_COUNTED);
    const scratch_region_token inner = scratch_region_enter("inner", SCRATCH_TRUSTED);
    void *block = malloc(100);
    malloc(100);
    scratch_region_leave(outer);
    scratch_region_leave(inner);
    return block;
}

SCENARIO(double_free_of_trusted_escape) {
    void *block = escape_from_trusted();
    free(block);
    free(hidden(block));
    return 0;
}

SCENARIO(double_free_of_trusted_escape_by_others) {
    void *block = escape_from_trusted();
    std::thread([block] { free(block); }).join();
    std::thread([block] { free(hidden(block)); }).join();
    return 0;
}

SCENARIO(double_free_by_another_thread) {
    SCRATCH_REGION("region", kind_of_region());
    void *block = malloc(100);
    malloc(100);
    free(block);
    std::thread([block] { free(hidden(block)); }).join();
    return 0;
}

SCENARIO(double_free_after_another_thread) {
    SCRATCH_REGION("region", kind_of_region());
    void *block = malloc(100);
    malloc(100);
    std::thread([block] { free(block); }).join();
    free(hidden(block));
    return 0;
}

SCENARIO(double_free_of_large) {
    SCRATCH_REGION("region", kind_of_region());
    void *block = malloc(200000);
    free(block);
    free(hidden(block));
    return 0;
}

SCENARIO(realloc_after_free) {
    SCRATCH_REGION("region", kind_of_region());
    void *block = malloc(100);
    malloc(10);
    free(block);
    return realloc(hidden(block), 200) != nullptr ? 0 : 1;
}

SCENARIO(delete_after_delete) {
    SCRATCH_REGION("region", kind_of_region());
    int *number = new int(4);
    delete number;
    delete hidden(number);
    return 0;
}

SCENARIO(free_inside_a_block) {
    SCRATCH_REGION("region", kind_of_region());
    char *block = static_cast<char *>(malloc(1000));
    memset(block, 0, 1000);
    malloc(10);
    free(hidden(block) + 64);
    return 0;
}

SCENARIO(free_inside_the_newest) {
    SCRATCH_REGION("region", kind_of_region());
    char *block = static_cast<char *>(malloc(1000));
    memset(block, 0x41, 1000);
    free(hidden(block) + 16);
    return 0;
}

SCENARIO(free_misaligned) {
    SCRATCH_REGION("region", kind_of_region());
    char *block = static_cast<char *>(malloc(1000));
    memset(block, 0, 1000);
    free(hidden(block) + 1);
    return 0;
}

SCENARIO(free_inside_large) {
    SCRATCH_REGION("region", kind_of_region());
    char *block = static_cast<char *>(malloc(300000));
    memset(block, 0x20, 300000);
    free(hidden(block) + 131072);
    return 0;
}

SCENARIO(free_by_another_thread_inside) {
    SCRATCH_REGION("region", kind_of_region());
    char *block = static_cast<char *>(malloc(1000));
    memset(block, 0, 1000);
    std::thread([block] { free(hidden(block) + 32); }).join();
    return 0;
}

SCENARIO(free_above_the_top) {
    start_of_scratch_memory();
    SCRATCH_REGION("region", kind_of_region());
    char *block = static_cast<char *>(malloc(100));
    free(hidden(block) + 20000);
    return 0;
}

SCENARIO(realloc_inside_a_block) {
    SCRATCH_REGION("region", kind_of_region());
    char *block = static_cast<char *>(malloc(1000));
    memset(block, 0, 1000);
    return realloc(hidden(block) + 64, 10) != nullptr ? 0 : 1;
}

SCENARIO(header_overwritten) {
    SCRATCH_REGION("region", kind_of_region());
    char *below = static_cast<char *>(malloc(100));
    char *block = static_cast<char *>(malloc(100));
    malloc(100);
    memset(hidden(below), 0x55, 140);
    free(block);
    return 0;
}

SCENARIO(double_free_in_next) {
    void *block = malloc(100);
    free(block);
    free(hidden(block));
    return 0;
}

SCENARIO(free_of_the_stack) {
    alignas(16) char room[64] = {};
    free(hidden(room) + 16);
    return 0;
}

SCENARIO(free_of_a_constant) {
    static char text[] = "a constant text that is long enough to be one";
    free(hidden(text));
    return 0;
}

struct wrong_free {
    const scenario *wanted;
    const char *story; // a part of what standard error says
};

// Trusted ones with and without statistics: calls that are counted push otherwise.
std::vector<conditions> kinds_of_regions(const char *mode) {
    const std::vector<std::string> trusted = {"TEST_TRUSTED=1"};
    return {{.mode = mode},
            {.mode = mode, .environment = trusted},
            {.mode = mode, .environment = trusted, .statistics = false}};
}

class wrong_frees : public testing::TestWithParam<const char *> {};

TEST_P(wrong_frees, stop_the_program_with_the_story) {
    const char *twice = "double free";
    const char *inside = "invalid pointer";
    for (const auto &[wanted, story] : {
             wrong_free{&double_free_of_newest, twice},
             {&double_free_of_hole, twice},
             {&double_free_after_pop, twice},
             {&double_free_of_escape, twice},
             {&double_free_of_trusted_escape, twice},
             {&double_free_of_trusted_escape_by_others, twice},
             {&double_free_by_another_thread, twice},
             {&double_free_after_another_thread, twice},
             {&realloc_after_free, twice},
             {&delete_after_delete, twice},
             {&double_free_of_large, "free()"},
             {&free_inside_a_block, inside},
             {&free_inside_the_newest, inside},
             {&free_misaligned, inside},
             {&free_inside_large, inside},
             {&free_by_another_thread_inside, inside},
             {&free_above_the_top, inside},
             {&realloc_inside_a_block, inside},
             {&header_overwritten, "free()"},
         }) {
        for (const conditions &under : kinds_of_regions(GetParam())) {
            // Nothing escapes from a trusted region.
            if (wanted == &double_free_of_escape && !under.environment.empty()) continue;
            const outcome result = run(*wanted, under);
            EXPECT_TRUE(result.killed_by(SIGABRT)) << wanted->name << ": " << result.describe();
            EXPECT_NE(result.error.find(story), std::string::npos)
                << wanted->name << ": " << result.describe();
#ifndef __APPLE__
            EXPECT_NE(result.error.find("`scratch check`"), std::string::npos) << result.describe();
#endif
        }
    }
}

// The story tells the size, and where the pointer lies.
TEST_P(wrong_frees, tell_the_block) {
    for (const conditions &under : kinds_of_regions(GetParam())) {
        const outcome inside = run(free_inside_a_block, under);
        EXPECT_NE(inside.error.find("64 bytes inside a live block of 1"), std::string::npos)
            << inside.describe();
        const outcome twice = run(double_free_of_hole, under);
        EXPECT_NE(twice.error.find("a block of 1"), std::string::npos) << twice.describe();
        EXPECT_EQ(std::count(twice.error.begin(), twice.error.end(), '\n'), 1) << twice.describe();
    }
}

INSTANTIATE_TEST_SUITE_P(modes, wrong_frees, testing::Values("scoped", "adaptive"));

// macOS tells addresses and processes, which differ from run to run.
std::string without_numbers(const std::string &text) {
    static const std::regex number("(0x)?[0-9a-f]*[0-9][0-9a-f]*");
    return std::regex_replace(text, number, "NUMBER");
}

// What is not scratch memory is the next allocator's business.
TEST(wrong_free_of_foreign_memory, ends_as_without_the_shim) {
    for (const scenario *wanted : {&double_free_in_next, &free_of_the_stack, &free_of_a_constant}) {
        const outcome bare = run(*wanted, {.preload = false});
        for (const char *mode : {"off", "scoped", "adaptive"}) {
            const outcome result = run(*wanted, {.mode = mode});
            EXPECT_EQ(result.status, bare.status) << wanted->name << mode << result.describe();
            EXPECT_EQ(without_numbers(result.error), without_numbers(bare.error))
                << wanted->name << mode;
        }
    }
}

// The program's own handler gets its turn, as with libc.
SCENARIO(handler_of_abort) {
    std::signal(SIGABRT, [](int) { _exit(17); });
    SCRATCH_REGION("region", kind_of_region());
    void *block = malloc(100);
    free(block);
    free(hidden(block));
    return 0;
}

TEST(wrong_free, meets_the_programs_handler) {
    const outcome result = run(handler_of_abort);
    EXPECT_TRUE(result.exited_with(17)) << result.describe();
}

} // namespace
