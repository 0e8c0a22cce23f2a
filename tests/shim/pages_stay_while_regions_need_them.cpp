// Regions of one size that follow each other find their pages again, however large they are; what
// they no longer need goes back to the system.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

constexpr std::size_t one_mib = std::size_t{1} << 20;
constexpr std::size_t block_size = 16000;

// A trusted region that allocates and writes as much.
void work_in_region(std::size_t bytes) {
    const scratch_region_token token = scratch_region_enter("request", SCRATCH_TRUSTED);
    for (std::size_t taken = 0; taken < bytes; taken += block_size) {
        void *block = malloc(block_size);
        REQUIRE(is_scratch(block));
        memset(block, 1, block_size);
    }
    scratch_region_leave(token);
}

long page_faults() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

std::size_t resident_bytes() {
    char text[128] = {};
    FILE *file = fopen("/proc/self/statm", "r");
    REQUIRE(file != nullptr && fgets(text, sizeof text, file) != nullptr);
    fclose(file);
    unsigned long size;
    unsigned long resident;
    REQUIRE(sscanf(text, "%lu %lu", &size, &resident) == 2);
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

SCENARIO(large_requests) {
    start_of_scratch_memory();
    for (int request = 0; request < 3; ++request)
        work_in_region(32 * one_mib);
    const long before = page_faults();
    for (int request = 0; request < 10; ++request)
        work_in_region(32 * one_mib);
    const long faults = page_faults() - before;
    dprintf(STDOUT_FILENO, "%ld faults\n", faults);
    REQUIRE(faults < 1000); // of 80,000 pages
    return 0;
}

TEST(pages, of_large_regions_are_found_again) {
    const outcome result = run(large_requests);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(small_requests_after_large_ones) {
    start_of_scratch_memory();
    const std::size_t at_first = resident_bytes();
    for (int request = 0; request < 5; ++request)
        work_in_region(32 * one_mib);
    REQUIRE(resident_bytes() > at_first + 28 * one_mib);
    for (int request = 0; request < 2000; ++request)
        work_in_region(one_mib);
    const std::size_t at_last = resident_bytes();
    dprintf(STDOUT_FILENO, "%zu bytes more\n", at_last - at_first);
    REQUIRE(at_last < at_first + 12 * one_mib);
    const long before = page_faults();
    for (int request = 0; request < 100; ++request)
        work_in_region(one_mib);
    REQUIRE(page_faults() - before < 100);
    return 0;
}

TEST(pages, that_smaller_regions_do_not_need_go_back) {
    const outcome result = run(small_requests_after_large_ones);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
}

// --- jumps out of the middle

std::jmp_buf jump_to;
volatile bool jumps_from_next_advice = false;

// The highest address that a region of that size takes.
std::uintptr_t highest_in_region(std::size_t bytes) {
    std::uintptr_t highest = 0;
    const scratch_region_token token = scratch_region_enter("request", SCRATCH_TRUSTED);
    for (std::size_t taken = 0; taken < bytes; taken += block_size) {
        void *block = malloc(block_size);
        REQUIRE(is_scratch(block));
        highest = std::max(highest, reinterpret_cast<std::uintptr_t>(block));
    }
    scratch_region_leave(token);
    return highest;
}

// So deep that the shim sees that the stack is shorter afterwards.
[[gnu::noinline]] void work_deep_in_region() {
    [[maybe_unused]] volatile char room[8192];
    room[0] = 0;
    work_in_region(one_mib);
    room[1] = 0;
}

// A handler jumps out while the pool is looked through for pages that go back: what stays in the
// pool is still found. A few chunks are in the hands of the heap that is torn.
SCENARIO(jump_out_of_the_middle) {
    start_of_scratch_memory();
    std::uintptr_t before = 0;
    for (int request = 0; request < 5; ++request)
        before = std::max(before, highest_in_region(32 * one_mib));
    if (setjmp(jump_to) == 0) {
        jumps_from_next_advice = true;
        for (int request = 0; request < 2000; ++request)
            work_deep_in_region();
        REQUIRE(false);
    }
    const std::uintptr_t after = highest_in_region(32 * one_mib);
    dprintf(STDOUT_FILENO, "%zu MiB more\n", after > before ? (after - before) / one_mib : 0);
    REQUIRE(after < before + 4 * one_mib);
    return 0;
}

TEST(pages, in_the_pool_are_not_lost_where_a_handler_jumps) {
    const outcome result = run(jump_out_of_the_middle);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
}

// Once is no habit.
SCENARIO(one_large_request) {
    start_of_scratch_memory();
    const std::size_t at_first = resident_bytes();
    work_in_region(32 * one_mib);
    REQUIRE(resident_bytes() < at_first + 12 * one_mib);
    return 0;
}

TEST(pages, of_a_single_large_region_go_back_at_its_end) {
    const outcome result = run(one_large_request);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace

// The shim's calls come here, too.
extern "C" int madvise(void *address, std::size_t size, int advice) noexcept {
    if (jumps_from_next_advice && advice == MADV_DONTNEED) {
        jumps_from_next_advice = false;
        std::longjmp(jump_to, 1);
    }
    return static_cast<int>(syscall(SYS_madvise, address, size, advice));
}
