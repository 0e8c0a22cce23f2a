// macOS: each block of scratch memory belongs to a registered malloc zone, so that the zones' calls
// reach it, and code inside libSystem which frees or resizes it finds whose it is.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <gtest/gtest.h>
#include <initializer_list>
#include <mach/mach_init.h>
#include <malloc/malloc.h>
#include <string>
#include <thread>
#include <unistd.h>

#include "scenario.hpp"
#include "scratch_memory.hpp"

// Not in all headers.
extern "C" boolean_t malloc_zone_claimed_address(malloc_zone_t *zone, void *address);

namespace {

constexpr std::array<std::size_t, 12> sizes = {0,    1,     16,    17,    100,    1000,
                                               4096, 32752, 32768, 70000, 300000, 3000000};

bool is_in_scratch_zone(const void *block) {
    malloc_zone_t *const zone = malloc_zone_from_ptr(block);
    return zone != nullptr && std::strcmp(malloc_get_zone_name(zone), "scratch") == 0;
}

// A block on the stack, whatever its size is.
void *make(std::size_t size) {
    void *block = malloc(size);
    REQUIRE(is_scratch(block));
    return block;
}

SCENARIO(blocks_have_sizes) {
    start_of_scratch_memory();
    void *foreign = malloc(100);
    SCRATCH_REGION("region");
    for (const std::size_t size : sizes) {
        void *block = make(size);
        REQUIRE(is_in_scratch_zone(block));
        REQUIRE(malloc_size(block) >= size && malloc_size(block) > 0);
        // All of it is the block's, though nobody asked for it.
        void *next = make(0);
        write_pattern(block, malloc_size(block), size);
        write_pattern(next, malloc_size(next), 3);
        REQUIRE(has_pattern(block, malloc_size(block), size));
        free(next);
        free(block);
    }
    void *aligned = nullptr;
    for (std::size_t alignment = 8; alignment <= (1u << 20); alignment *= 4) {
        REQUIRE(posix_memalign(&aligned, alignment, 0) == 0);
        REQUIRE(malloc_size(aligned) > 0);
        free(aligned);
    }
    REQUIRE(!is_in_scratch_zone(foreign) && malloc_size(foreign) >= 100);
    char on_the_stack[64] = {};
    REQUIRE(malloc_size(on_the_stack) == 0 && malloc_zone_from_ptr(on_the_stack) == nullptr);
    auto *const inside = static_cast<char *>(make(200));
    std::memset(inside, 0, 200);
    for (std::size_t at = 1; at < 200; ++at)
        REQUIRE(malloc_size(inside + at) == 0);
    free(inside);
    free(foreign);
    return 0;
}

// A block that was given back is nobody's.
SCENARIO(freed_blocks_have_none) {
    start_of_scratch_memory();
    SCRATCH_REGION("region");
    void *below = make(100);
    void *above = make(100);
    free(below);
    REQUIRE(malloc_size(below) == 0);
    free(above);
    REQUIRE(malloc_size(above) == 0);
    return 0;
}

SCENARIO(zone_calls_reach_them) {
    start_of_scratch_memory();
    malloc_zone_t *const plain = malloc_default_zone();
    for (const bool leaves : {false, true}) {
        for (const std::size_t size : sizes) {
            scratch_region_token region = scratch_region_enter("region", 0);
            void *blocks[5];
            for (void *&block : blocks) {
                block = make(size);
                write_pattern(block, size, size);
            }
            if (leaves) scratch_region_leave(region);
            malloc_zone_t *const own = malloc_zone_from_ptr(blocks[0]);
            malloc_zone_free(own, blocks[0]);
            // The wrong zone: it is given back to the right one all the same.
            malloc_zone_free(plain, blocks[1]);
            blocks[2] = malloc_zone_realloc(own, blocks[2], size + 5000);
            REQUIRE(has_pattern(blocks[2], size, size));
            void *foreign = malloc_zone_malloc(plain, size);
            REQUIRE(!is_scratch(foreign));
            void *batch[] = {blocks[2], foreign, blocks[3], blocks[4]};
            malloc_zone_batch_free(plain, batch, 4);
            if (!leaves) scratch_region_leave(region);
        }
    }
    return 0;
}

// As the system's libraries do, most of whose calls of one another the loader does not interpose:
// by the default zone's own functions, which ask the first zone and nobody else.
SCENARIO(the_system_frees_and_resizes_them) {
    start_of_scratch_memory();
    malloc_zone_t *const plain = malloc_default_zone();
    for (const std::size_t size : sizes) {
        SCRATCH_REGION("region");
        void *freed = make(size);
        plain->free(plain, freed);
        REQUIRE(malloc_size(freed) == 0);
        void *resized = make(size);
        write_pattern(resized, size, size);
        resized = plain->realloc(plain, resized, size + 100000);
        REQUIRE(has_pattern(resized, size, size));
        free(resized);
        void *remote = make(size);
        std::thread([=] { plain->free(plain, remote); }).join();
    }
    return 0;
}

malloc_zone_t *first_zone() {
    vm_address_t *zones = nullptr;
    unsigned count = 0;
    REQUIRE(malloc_get_all_zones(mach_task_self(), nullptr, &zones, &count) == 0 && count != 0);
    return reinterpret_cast<malloc_zone_t *>(zones[0]);
}

// What is not ours is the default zone's, as without us, whoever makes or frees it.
SCENARIO(other_blocks_stay_the_default_zones) {
    start_of_scratch_memory();
    malloc_zone_t *const plain = malloc_default_zone();
    void *const foreign = malloc(1000000);
    SCRATCH_REGION("region");
    void *const served = make(100);
    malloc_zone_t *const own = malloc_zone_from_ptr(served);
    for (malloc_zone_t *const zone : {plain, own}) {
        void *blocks[] = {malloc_zone_malloc(zone, 100), malloc_zone_calloc(zone, 10, 10),
                          malloc_zone_valloc(zone, 100), malloc_zone_memalign(zone, 64, 100)};
        for (void *&block : blocks) {
            REQUIRE(block != nullptr && !is_scratch(block) && malloc_size(block) >= 100);
            REQUIRE(malloc_zone_from_ptr(block) == plain);
            write_pattern(block, 100, 1);
            block = malloc_zone_realloc(zone, block, 70000);
            REQUIRE(has_pattern(block, 100, 1));
            malloc_zone_free(zone, block);
            REQUIRE(malloc_size(block) == 0);
        }
        REQUIRE(malloc_zone_batch_malloc(zone, 100, blocks, 4) == 4);
        malloc_zone_batch_free(zone, blocks, 4);
        REQUIRE(malloc_zone_memalign(zone, 3, 100) == nullptr && errno == EINVAL);
        REQUIRE(malloc_zone_check(zone));
        int on_the_stack = 0;
        REQUIRE(malloc_zone_claimed_address(zone, served));
        REQUIRE(malloc_zone_claimed_address(zone, foreign));
        REQUIRE(!malloc_zone_claimed_address(zone, &on_the_stack));
    }
    // Its figures are the program's, and in the sum of all zones none is there twice.
    malloc_statistics_t of_default{}, of_all{};
    malloc_zone_statistics(plain, &of_default);
    malloc_zone_statistics(nullptr, &of_all);
    REQUIRE(of_default.size_in_use >= 1000000 && of_all.blocks_in_use >= of_default.blocks_in_use);
    REQUIRE(of_all.size_in_use < 2 * of_default.size_in_use);
    free(foreign);
    free(served);
    return 0;
}

// Other allocators come to the first place by taking who is there out and putting it back.
SCENARIO(zones_may_change_places) {
    start_of_scratch_memory();
    for (int turn = 0; turn < 10; ++turn) {
        malloc_zone_t *const first = first_zone();
        malloc_zone_unregister(first);
        malloc_zone_register(first);
        void *block = malloc(100);
        REQUIRE(block != nullptr && !is_scratch(block) && malloc_good_size(100) >= 100);
        block = realloc(block, 10000);
        REQUIRE(malloc_size(block) >= 10000);
        free(block);
        SCRATCH_REGION("region");
        free(realloc(make(100), 70000));
        free(calloc(10, 10));
    }
    return 0;
}

// getline makes the caller's block larger.
SCENARIO(getline_enlarges_them) {
    start_of_scratch_memory();
    FILE *const file = tmpfile();
    REQUIRE(file != nullptr);
    const std::string long_line(5000, 'x');
    std::fprintf(file, "short\n%s\n", long_line.c_str());
    std::rewind(file);
    SCRATCH_REGION("region");
    std::size_t size = 16;
    auto *line = static_cast<char *>(make(size));
    REQUIRE(getline(&line, &size, file) == 6 && std::strcmp(line, "short\n") == 0);
    REQUIRE(getline(&line, &size, file) == 5001 && size >= 5002);
    REQUIRE(std::strncmp(line, long_line.c_str(), 5000) == 0);
    free(line);
    std::fclose(file);
    return 0;
}

SCENARIO(reallocf_keeps_or_frees) {
    start_of_scratch_memory();
    SCRATCH_REGION("region");
    void *block = make(100);
    write_pattern(block, 100, 1);
    block = reallocf(block, 5000);
    REQUIRE(has_pattern(block, 100, 1));
    REQUIRE(reallocf(block, SIZE_MAX / 2) == nullptr);
    REQUIRE(malloc_size(block) == 0);
    return 0;
}

class zones : public testing::TestWithParam<const scenario *> {};

TEST_P(zones, know_our_blocks) {
    const outcome result = run(*GetParam());
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GT(result.count("scratch_calls"), 0u);
}

INSTANTIATE_TEST_SUITE_P(scenarios, zones,
                         testing::Values(&blocks_have_sizes, &freed_blocks_have_none,
                                         &zone_calls_reach_them, &the_system_frees_and_resizes_them,
                                         &other_blocks_stay_the_default_zones,
                                         &zones_may_change_places, &getline_enlarges_them,
                                         &reallocf_keeps_or_frees),
                         [](const auto &info) { return std::string(info.param->name); });

} // namespace
