// macOS 14 and later: calls of the malloc family that name a type, as newer compilers make them of
// plain ones, lie in regions as those do, and free and resize blocks whoever made them.
#include <cerrno>
#include <cstdlib>
#include <gtest/gtest.h>
#include <malloc/malloc.h>
#include <string>
#include <unistd.h>

#include "scenario.hpp"
#include "scratch_memory.hpp"

#pragma clang diagnostic ignored "-Wunguarded-availability-new"

using type_id = unsigned long long;
#define IF_THERE __attribute__((weak_import))
extern "C" {
IF_THERE void *malloc_type_malloc(std::size_t size, type_id type);
IF_THERE void *malloc_type_calloc(std::size_t count, std::size_t size, type_id type);
IF_THERE void *malloc_type_realloc(void *block, std::size_t size, type_id type);
IF_THERE void *malloc_type_valloc(std::size_t size, type_id type);
IF_THERE void *malloc_type_aligned_alloc(std::size_t alignment, std::size_t size, type_id type);
IF_THERE int malloc_type_posix_memalign(void **block, std::size_t alignment, std::size_t size,
                                        type_id type);
IF_THERE void malloc_type_free(void *block, type_id type);
IF_THERE void *malloc_type_zone_realloc(malloc_zone_t *zone, void *block, std::size_t size,
                                        type_id type);
IF_THERE void malloc_type_zone_free(malloc_zone_t *zone, void *block, type_id type);
}

namespace {

constexpr type_id some_type = 0x1234567890;

bool is_aligned(const void *block, std::size_t to) {
    return reinterpret_cast<std::uintptr_t>(block) % to == 0;
}

// Pages of 16 KiB are left to the system.
bool pages_are_served() { return getpagesize() <= 4096; }

void call_all(bool in_region) {
    malloc_zone_t *const plain = malloc_default_zone();
    void *blocks[6] = {malloc_type_malloc(100, some_type),
                       malloc_type_calloc(10, 10, some_type),
                       malloc_type_aligned_alloc(64, 128, some_type),
                       nullptr,
                       malloc_type_realloc(nullptr, 100, some_type),
                       malloc_type_valloc(100, some_type)};
    REQUIRE(malloc_type_posix_memalign(&blocks[3], 1024, 100, some_type) == 0);
    REQUIRE(is_aligned(blocks[2], 64) && is_aligned(blocks[3], 1024));
    REQUIRE(is_aligned(blocks[5], static_cast<std::size_t>(getpagesize())));
    REQUIRE(is_zero(blocks[1], 100));
    for (int at = 0; at < 6; ++at)
        REQUIRE(is_scratch(blocks[at]) == (in_region && (at < 5 || pages_are_served())));
    for (void *&block : blocks) {
        write_pattern(block, 100, 5);
        block = malloc_type_realloc(block, 5000, some_type);
        REQUIRE(has_pattern(block, 100, 5));
        block = malloc_type_zone_realloc(plain, block, 7000, some_type);
        REQUIRE(has_pattern(block, 100, 5));
    }
    free(blocks[0]);
    for (int at = 1; at < 4; ++at)
        malloc_type_free(blocks[at], some_type);
    malloc_type_zone_free(plain, blocks[4], some_type);
    malloc_zone_free(plain, blocks[5]);
    malloc_type_free(nullptr, some_type);
    for (const void *block : blocks)
        REQUIRE(malloc_size(block) == 0);
}

void call_wrongly() {
    void *untouched = &untouched;
    errno = 0;
    REQUIRE(malloc_type_posix_memalign(&untouched, 3, 100, some_type) == EINVAL);
    REQUIRE(malloc_type_posix_memalign(&untouched, 4, 100, some_type) == EINVAL);
    REQUIRE(errno == 0 && untouched == &untouched);
    for (const std::size_t alignment : {0u, 4u, 48u}) {
        errno = 0;
        REQUIRE(malloc_type_aligned_alloc(alignment, 96, some_type) == nullptr && errno == EINVAL);
    }
    errno = 0;
    REQUIRE(malloc_type_aligned_alloc(64, 100, some_type) == nullptr && errno == EINVAL);
    errno = 0;
    REQUIRE(malloc_type_calloc(SIZE_MAX / 2, 4, some_type) == nullptr && errno == ENOMEM);
}

SCENARIO(typed_calls) {
    if (malloc_type_malloc == nullptr) return 77;
    start_of_scratch_memory();
    call_all(false);
    for (const unsigned flags : {SCRATCH_COUNTED, SCRATCH_TRUSTED}) {
        const scratch_region_token token = scratch_region_enter("typed", flags);
        call_all(true);
        call_wrongly();
        scratch_region_leave(token);
    }
    call_wrongly();
    return 0;
}

TEST(calls, with_types_are_served) {
    const outcome result = run(typed_calls);
    if (result.exited_with(77))
        GTEST_SKIP() << "LOUDLY SKIPPED: this system is older than macOS 14 and has none";
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GT(result.count("scratch_calls"), 10u);
}

} // namespace
