// Once a library that is bound to libc's own free is open, no thread gets a block that it could not
// free, though it was about to open a region at that very moment.
#include <atomic>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

std::atomic<int> busy{0};
std::atomic<bool> stood_aside{false};
std::atomic<bool> waiting{false};

void work_until_then() {
    // Regions within a region: their ends give the outer one its room back.
    SCRATCH_REGION("outer");
    for (int after = 0; after < 1000;) {
        const bool aside = stood_aside;
        if (aside) ++after;
        SCRATCH_REGION("inner", after % 2 == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
        void *blocks[4];
        for (void *&block : blocks)
            block = malloc(20000);
        if (is_scratch(blocks[0])) ++busy;
        for (void *block : blocks) {
            REQUIRE(!aside || !is_scratch(block));
            free(block);
        }
    }
    void *block = malloc(100);
    REQUIRE(!is_scratch(block));
    free(block);
}

// Has room in its chunk, and does nothing that would tell it of the change.
void wait_until_then() {
    SCRATCH_REGION("waiting");
    void *before = malloc(100);
    REQUIRE(is_scratch(before));
    waiting = true;
    while (!stood_aside)
        std::this_thread::yield();
    void *after = malloc(100);
    REQUIRE(!is_scratch(after));
    free(after);
    free(before);
}

SCENARIO(open_deeply_among_threads) {
    start_of_scratch_memory();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back(work_until_then);
    threads.emplace_back(wait_until_then);
    while (busy < 1000 || !waiting)
        std::this_thread::yield();
    REQUIRE(dlopen(SCRATCH_PLUGINS "/bound_deep.so", RTLD_NOW | RTLD_DEEPBIND) != nullptr);
    stood_aside = true;
    for (std::thread &thread : threads)
        thread.join();
    return 0;
}

TEST(threads, stand_aside_with_the_shim) {
    for (int again = 0; again < 10; ++again) {
        const outcome result = run(open_deeply_among_threads, {.statistics = again % 2 == 0});
        ASSERT_TRUE(result.exited_with(0)) << result.describe();
    }
}

} // namespace
