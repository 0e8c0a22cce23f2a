// Each function of the malloc family answers as the system's libc documents it, in every mode,
// inside regions and outside. The same scenarios run without the shim first: what they ask is what
// libc does.
#include <array>
#include <cerrno>
#include <cstdint>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <initializer_list>

#include "malloc_names.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

using malloc_like = void *(*)(std::size_t);
using calloc_like = void *(*)(std::size_t, std::size_t);
using realloc_like = void *(*)(void *, std::size_t);
using memalign_like = void *(*)(std::size_t, std::size_t);
using reallocarray_like = void *(*)(void *, std::size_t, std::size_t);
using free_like = void (*)(void *);

// As the program would find it; the names with two underscores are in no header.
template <typename Function>
Function find(const char *name) {
    return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

// Where libcs differ.
#ifdef __GLIBC__
constexpr bool realloc_to_zero_frees = true;
#else
constexpr bool realloc_to_zero_frees = false;
#endif
#if defined(__GLIBC__) || defined(__APPLE__)
constexpr bool posix_memalign_keeps_errno = true;
constexpr bool memalign_rounds_up = true;
#else
constexpr bool posix_memalign_keeps_errno = false; // of musl's own
constexpr bool memalign_rounds_up = false;
#endif
#ifdef __APPLE__
constexpr bool aligned_alloc_is_strict = true; // about the alignment, and that it divides the size
#else
constexpr bool aligned_alloc_is_strict = false;
#endif

// Sizes where something changes: headers, chunks, large blocks, pages, the next allocator's own.
constexpr std::array<std::size_t, 31> sizes = {
    0,     1,     8,     15,    16,    17,    24,     31,     32,     33,    100,
    128,   1000,  1024,  4080,  4096,  4097,  16383,  32735,  32736,  32752, 32767,
    32768, 32769, 65000, 65440, 65456, 65536, 131072, 200000, 3000000};

bool is_aligned(const void *block, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

// What every successful allocation promises: errno kept, alignment, all usable bytes writable and
// none of them another block's.
void require_good_block(void *block, std::size_t size, std::size_t alignment = 16) {
    REQUIRE(block != nullptr);
    REQUIRE(errno == 77);
    REQUIRE(is_aligned(block, alignment));
    const std::size_t usable = malloc_usable_size(block);
    REQUIRE(usable >= size);
    write_pattern(block, usable, size);
    void *neighbour = malloc(24);
    write_pattern(neighbour, malloc_usable_size(neighbour), 1);
    REQUIRE(malloc_usable_size(block) == usable);
    REQUIRE(has_pattern(block, usable, size));
    REQUIRE(has_pattern(neighbour, malloc_usable_size(neighbour), 1));
    free(neighbour);
    REQUIRE(has_pattern(block, usable, size));
    REQUIRE(errno == 77);
}

void check_sizes(const char *name) {
    const auto function = find<malloc_like>(name);
    if (function == nullptr) return; // __libc_valloc and the like: not public everywhere
    const std::size_t alignment = std::strstr(name, "valloc") != nullptr ? 4096 : 16;
    for (const std::size_t size : sizes) {
        errno = 77;
        void *block = function(size);
        require_good_block(block, size, alignment);
        void *other = function(size);
        REQUIRE(other != nullptr && other != block);
        free(other);
        free(block);
        REQUIRE(errno == 77);
    }
    for (const std::size_t size : std::initializer_list<std::size_t>{
             std::size_t{PTRDIFF_MAX} + 1, SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 4095,
             SIZE_MAX - 65535, SIZE_MAX / 2 + 4096}) {
        errno = 0;
        REQUIRE(function(size) == nullptr);
        REQUIRE(errno == ENOMEM);
    }
}

void check_malloc() {
    for (const char *name :
         {"malloc", "__libc_malloc", "valloc", "pvalloc", "__libc_valloc", "__libc_pvalloc"})
        check_sizes(name);
    // No machine has as much.
    errno = 0;
    REQUIRE(malloc(PTRDIFF_MAX) == nullptr);
    REQUIRE(errno == ENOMEM);
    errno = 77;
    if (const auto whole_pages = find<malloc_like>("pvalloc")) {
        void *block = whole_pages(1);
        REQUIRE(malloc_usable_size(block) >= 4096);
        free(block);
    }
}

void check_calloc() {
    for (const char *name : {"calloc", "__libc_calloc"}) {
        const auto function = find<calloc_like>(name);
        if (function == nullptr) continue;
        for (const std::size_t size : sizes) {
            // What lay there before is not zero.
            void *dirty = malloc(size);
            std::memset(dirty, 0xff, malloc_usable_size(dirty));
            free(dirty);
            errno = 77;
            void *block = function(size % 3 == 0 ? size / 3 : size, size % 3 == 0 ? 3 : 1);
            REQUIRE(is_zero(block, size));
            require_good_block(block, size);
            free(block);
        }
        REQUIRE(function(0, 100) != nullptr && function(100, 0) != nullptr);
        errno = 0;
        REQUIRE(function(SIZE_MAX / 2, 3) == nullptr && errno == ENOMEM);
        errno = 0;
        REQUIRE(function(std::size_t{1} << 32, std::size_t{1} << 32) == nullptr && errno == ENOMEM);
        errno = 0;
        REQUIRE(function(SIZE_MAX, 1) == nullptr && errno == ENOMEM);
    }
}

void check_realloc(realloc_like function) {
    if (function == nullptr) return;
    for (const std::size_t from : sizes) {
        for (const std::size_t to : sizes) {
            errno = 77;
            void *block = malloc(from);
            write_pattern(block, from, from);
            if (to == 0 && realloc_to_zero_frees) {
                REQUIRE(function(block, to) == nullptr);
                REQUIRE(errno == 77);
                continue;
            }
            void *moved = function(block, to);
            REQUIRE(has_pattern(moved, from < to ? from : to, from, from));
            require_good_block(moved, to);
            free(moved);
        }
    }
    errno = 77;
    void *made = function(nullptr, 100);
    require_good_block(made, 100);
    write_pattern(made, 100, 5);
    for (const std::size_t size :
         std::initializer_list<std::size_t>{SIZE_MAX, std::size_t{PTRDIFF_MAX} + 1, SIZE_MAX - 4096,
                                            std::size_t{PTRDIFF_MAX} - 100}) {
        errno = 0;
        REQUIRE(function(made, size) == nullptr);
        REQUIRE(errno == ENOMEM);
        REQUIRE(has_pattern(made, 100, 5));
    }
    free(made);
}

// A block that grows and shrinks at the top of the stack, and beneath others.
void check_realloc_in_place() {
    void *lower = malloc(50);
    write_pattern(lower, 50, 1);
    void *upper = malloc(50);
    write_pattern(upper, 50, 2);
    for (std::size_t size = 50; size < 100000; size += size / 2) {
        upper = realloc(upper, size);
        REQUIRE(has_pattern(upper, 50, 2));
        REQUIRE(has_pattern(lower, 50, 1));
        lower = realloc(lower, size);
        REQUIRE(has_pattern(upper, 50, 2));
        REQUIRE(has_pattern(lower, 50, 1));
    }
    for (std::size_t size = 90000; size > 50; size = size * 2 / 3) {
        upper = realloc(upper, size);
        lower = realloc(lower, size);
        REQUIRE(has_pattern(upper, 50, 2));
        REQUIRE(has_pattern(lower, 50, 1));
    }
    free(lower);
    free(upper);
}

void check_reallocarray() {
    const auto function = find<reallocarray_like>("reallocarray");
    if (function == nullptr) return;
    errno = 77;
    void *block = function(nullptr, 10, 10);
    require_good_block(block, 100);
    write_pattern(block, 100, 4);
    errno = 0;
    volatile std::size_t quarter = SIZE_MAX / 4; // not for the compiler to warn of
    REQUIRE(function(block, quarter, 8) == nullptr);
    REQUIRE(errno == ENOMEM);
    volatile std::size_t wraps = SIZE_MAX / 16 + 2; // times 16: 16
    errno = 0;
    REQUIRE(function(block, wraps, 16) == nullptr && errno == ENOMEM);
    errno = 0;
    REQUIRE(calloc(wraps, 16) == nullptr && errno == ENOMEM);
    REQUIRE(has_pattern(block, 100, 4));
    block = function(block, 1000, 10);
    REQUIRE(has_pattern(block, 100, 4));
    REQUIRE(malloc_usable_size(block) >= 10000);
    void *emptied = function(block, 0, 10);
    REQUIRE((emptied == nullptr) == realloc_to_zero_frees);
    free(emptied);
}

void check_posix_memalign() {
    void *const untouched = reinterpret_cast<void *>(0x1234);
    for (const std::size_t bad :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{4}, std::size_t{7},
          std::size_t{12}, std::size_t{24}, std::size_t{4095}, std::size_t{4097}, SIZE_MAX}) {
        void *block = untouched;
        errno = 77;
        REQUIRE(posix_memalign(&block, bad, 100) == EINVAL);
        REQUIRE(block == untouched && (errno == 77 || !posix_memalign_keeps_errno));
    }
    for (const std::size_t size : std::initializer_list<std::size_t>{
             SIZE_MAX, SIZE_MAX - 4096, std::size_t{PTRDIFF_MAX} + 1}) {
        for (const std::size_t alignment :
             std::initializer_list<std::size_t>{8, 16, 64, 4096, 65536}) {
            void *block = untouched;
            REQUIRE(posix_memalign(&block, alignment, size) == ENOMEM);
            REQUIRE(block == untouched);
        }
    }
    for (std::size_t alignment = 8; alignment <= (1u << 20); alignment *= 2) {
        for (const std::size_t size : sizes) {
            void *block = untouched;
            errno = 77;
            REQUIRE(posix_memalign(&block, alignment, size) == 0);
            require_good_block(block, size, alignment < 16 ? 16 : alignment);
            free(block);
        }
    }
}

void check_memalign(const char *name) {
    const auto function = find<memalign_like>(name);
    if (function == nullptr) return;
    const bool strict = aligned_alloc_is_strict && std::strcmp(name, "aligned_alloc") == 0;
    const auto is_refused = [&](std::size_t alignment, std::size_t size) {
        return strict && (alignment < sizeof(void *) || size % alignment != 0);
    };
    for (std::size_t alignment = 1; alignment <= (1u << 20); alignment *= 2) {
        for (const std::size_t size :
             std::initializer_list<std::size_t>{0, 1, 100, 4096, 30000, 32768, 70000}) {
            errno = 77;
            void *block = function(alignment, size);
            if (is_refused(alignment, size)) {
                REQUIRE(block == nullptr && errno == EINVAL);
                continue;
            }
            require_good_block(block, size, alignment < 16 ? 16 : alignment);
            free(block);
        }
    }
    for (const std::size_t size : std::initializer_list<std::size_t>{
             SIZE_MAX, SIZE_MAX - 4096, std::size_t{PTRDIFF_MAX} + 1}) {
        errno = 0;
        REQUIRE(function(64, size) == nullptr);
        REQUIRE(errno == (is_refused(64, size) ? EINVAL : ENOMEM));
    }
    if (std::strstr(name, "memalign") == nullptr || !memalign_rounds_up) return;
    // Rounded up to a power of two; from half of the addresses on there is none.
    for (const std::size_t odd :
         std::initializer_list<std::size_t>{0, 3, 17, 24, 33, 100, 1000, 4095, 4097, 5000}) {
        errno = 77;
        void *block = function(odd, 100);
        std::size_t rounded = 16;
        while (rounded < odd)
            rounded *= 2;
        require_good_block(block, 100, rounded);
        free(block);
    }
    errno = 0;
    REQUIRE(function(SIZE_MAX / 2 + 2, 1) == nullptr);
    REQUIRE(errno == EINVAL);
}

void check_free() {
    errno = 77;
    free(nullptr);
    REQUIRE(malloc_usable_size(nullptr) == 0);
    const auto of_libc = find<free_like>("__libc_free");
    const free_like other_free = of_libc != nullptr ? of_libc : free;
    other_free(nullptr);
    for (const std::size_t size : sizes) {
        void *first = malloc(size);
        void *second = malloc(size);
        void *third = malloc(size);
        free(second);
        free(first);
        other_free(third);
    }
    REQUIRE(errno == 77);
    if (const auto sized = find<void (*)(void *, std::size_t)>("free_sized")) {
        sized(malloc(100), 100);
        sized(nullptr, 0);
    }
    if (const auto sized = find<void (*)(void *, std::size_t, std::size_t)>("free_aligned_sized")) {
        sized(aligned_alloc(256, 512), 256, 512);
        sized(nullptr, 256, 0);
    }
    if (const auto old = find<free_like>("cfree")) {
        old(malloc(100));
        old(nullptr);
    }
    REQUIRE(errno == 77);
}

// Blocks of size 0 are blocks: unique, and to be freed.
void check_unique() {
    std::array<void *, 100> blocks;
    for (void *&block : blocks)
        block = malloc(0);
    for (std::size_t i = 0; i < blocks.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            REQUIRE(blocks[i] != blocks[j]);
    for (void *block : blocks)
        free(block);
}

void check_all() {
    check_malloc();
    check_calloc();
    check_realloc(realloc);
    check_realloc(find<realloc_like>("__libc_realloc"));
    check_realloc_in_place();
    check_reallocarray();
    check_posix_memalign();
    check_memalign("memalign");
    check_memalign("__libc_memalign");
    check_memalign("aligned_alloc");
    check_free();
    check_unique();
}

SCENARIO(outside_regions) {
    check_all();
    return 0;
}

SCENARIO(in_counted_region) {
    start_of_scratch_memory();
    SCRATCH_REGION("counted");
    void *block = malloc(10);
    const char *mode = std::getenv("SCRATCH_MODE");
    REQUIRE(is_scratch(block) == (mode != nullptr && std::strcmp(mode, "off") != 0));
    free(block);
    check_all();
    return 0;
}

SCENARIO(in_trusted_region) {
    for (int round = 0; round < 2; ++round) {
        SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
        check_all();
    }
    return 0;
}

// Blocks cross the edges of regions in both directions.
SCENARIO(across_regions) {
    start_of_scratch_memory();
    void *before = malloc(100);
    write_pattern(before, 100, 1);
    void *inside;
    {
        SCRATCH_REGION("outer");
        before = realloc(before, 1000);
        inside = malloc(100);
        write_pattern(inside, 100, 2);
        {
            SCRATCH_REGION("inner");
            inside = realloc(inside, 1000);
            before = realloc(before, 50);
        }
        inside = realloc(inside, 40000);
    }
    REQUIRE(has_pattern(before, 50, 1));
    REQUIRE(has_pattern(inside, 100, 2));
    inside = realloc(inside, 100);
    REQUIRE(has_pattern(inside, 100, 2));
    free(before);
    free(inside);
    return 0;
}

class malloc_family : public testing::TestWithParam<const char *> {
protected:
    static conditions in_mode() {
        conditions under;
        under.preload = std::strcmp(GetParam(), "none") != 0;
        under.mode = GetParam();
        return under;
    }
    static void expect_good(const scenario &wanted) {
        const outcome result = run(wanted, in_mode());
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
};

TEST_P(malloc_family, outside_regions) { expect_good(outside_regions); }
TEST_P(malloc_family, in_counted_region) { expect_good(in_counted_region); }
TEST_P(malloc_family, in_trusted_region) { expect_good(in_trusted_region); }
TEST_P(malloc_family, across_regions) { expect_good(across_regions); }

INSTANTIATE_TEST_SUITE_P(modes, malloc_family,
                         testing::Values("none", "off", "scoped", "adaptive"));

} // namespace
