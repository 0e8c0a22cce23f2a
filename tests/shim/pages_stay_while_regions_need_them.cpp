// Regions of one size that follow each other find their pages again, however large they are; what
// they no longer need goes back to the system.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/resource.h>
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
