// While the next allocator is looked for, memory comes from a static buffer; such blocks are good
// ones, and may be freed, resized and measured at any time later. The loader of these tests is
// hostile: each search allocates, as those of older systems do.
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "scratch_memory.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/next/libc.hpp"
#include "shim/next/next.hpp"

namespace scratch::shim {
constinit hot_words no_words;
constinit __thread thread_words this_thread __attribute__((tls_model("initial-exec"))) = {};
// Asked where libc's own search would leave an error (musl).
bool loader_may_be_locked() noexcept { return false; }
} // namespace scratch::shim

namespace {

using scratch::shim::next;

struct taken {
    void *block;
    std::size_t size;
};
std::array<taken, 64> blocks;
std::size_t block_count = 0;
bool hostile = true;
bool failed_rightly = false;

void keep(void *block, std::size_t size) {
    if (block != nullptr && block_count < blocks.size()) blocks[block_count++] = {block, size};
}

void allocate_while_searching() {
    keep(next.malloc(100), 100);
    keep(next.malloc(0), 0);
    keep(next.calloc(10, 30), 300);
    keep(next.memalign(64, 50), 50);
    keep(next.aligned_alloc(256, 256), 256);
    void *aligned = nullptr;
    if (next.posix_memalign(&aligned, 128, 40) == 0) keep(aligned, 40);
    void *grown = next.realloc(nullptr, 24);
    write_pattern(grown, 24, 9);
    grown = next.realloc(grown, 200);
    if (!has_pattern(grown, 24, 9)) abort();
    keep(grown, 200);
    next.free(next.malloc(10));
    next.free(nullptr);
    if (next.malloc_usable_size(aligned) < 40 || next.malloc_usable_size(nullptr) != 0) abort();

    void *untouched = &blocks;
    errno = 0;
    failed_rightly = next.malloc(SIZE_MAX) == nullptr && errno == ENOMEM;
    errno = 0;
    failed_rightly &= next.calloc(SIZE_MAX / 2, 3) == nullptr && errno == ENOMEM;
    failed_rightly &= next.malloc(std::size_t{1} << 20) == nullptr;
    failed_rightly &= next.posix_memalign(&untouched, 16, SIZE_MAX - 100) == ENOMEM;
    failed_rightly &= untouched == &blocks;
    failed_rightly &= next.memalign(SIZE_MAX / 2 + 1, 10) == nullptr;
}

} // namespace

extern "C" {
void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name) {
    if (hostile && std::strcmp(name, "realloc") == 0) allocate_while_searching();
    return __real_dlsym(handle, name);
}
}

namespace {

class bootstrap_memory : public testing::Test {
protected:
    static void SetUpTestSuite() {
        next.malloc(1); // the first call searches
        for (std::size_t i = 0; i < block_count; ++i)
            write_pattern(blocks[i].block, blocks[i].size, i);
    }
};

TEST_F(bootstrap_memory, serves_every_function) {
    EXPECT_EQ(block_count, 7u);
    EXPECT_TRUE(failed_rightly);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[3].block) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[4].block) % 256, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[5].block) % 128, 0u);
    for (std::size_t i = 0; i < block_count; ++i) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[i].block) % 16, 0u) << i;
        EXPECT_TRUE(has_pattern(blocks[i].block, blocks[i].size, i)) << i;
        for (std::size_t j = 0; j < i; ++j)
            EXPECT_NE(blocks[i].block, blocks[j].block);
    }
}

TEST_F(bootstrap_memory, is_measured_later) {
    for (std::size_t i = 0; i < block_count; ++i)
        EXPECT_GE(next.malloc_usable_size(blocks[i].block), blocks[i].size);
    void *libc_block = malloc(100);
    EXPECT_EQ(next.malloc_usable_size(libc_block), malloc_usable_size(libc_block));
    free(libc_block);
    EXPECT_EQ(next.malloc_usable_size(nullptr), 0u);
}

TEST_F(bootstrap_memory, is_resized_and_freed_later) {
    void *grown = next.realloc(blocks[0].block, 5000);
    EXPECT_TRUE(has_pattern(grown, blocks[0].size, 0));
    EXPECT_GE(malloc_usable_size(grown), 5000u); // libc's by now
    free(grown);
    void *shrunk = next.realloc(blocks[2].block, 10);
    EXPECT_TRUE(has_pattern(shrunk, 10, 2));
    free(shrunk);
    errno = 0;
    EXPECT_EQ(next.realloc(blocks[3].block, SIZE_MAX), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_TRUE(has_pattern(blocks[3].block, blocks[3].size, 3));
    void *of_no_bytes = next.realloc(blocks[3].block, 0);
    EXPECT_EQ(of_no_bytes == nullptr, scratch::shim::realloc_to_zero_frees);
    free(of_no_bytes);
    for (std::size_t i = 0; i < block_count; ++i)
        next.free(blocks[i].block);
    next.free(nullptr);
    free(next.realloc(nullptr, 10));
    free(next.realloc(next.malloc(10), 1000));
    next.free(malloc(10));
}

TEST_F(bootstrap_memory, is_not_used_any_more) {
    void *first = next.malloc(100);
    EXPECT_GE(malloc_usable_size(first), 100u);
    free(first);
    EXPECT_EQ(scratch::shim::this_thread.starting, 0u);
}

// Without a hostile loader the next allocator's own functions stand there, nothing between.
TEST_F(bootstrap_memory, costs_nothing_where_it_was_not_needed) {
    EXPECT_EQ(reinterpret_cast<void *>(next.malloc), __real_dlsym(RTLD_DEFAULT, "malloc"));
    EXPECT_EQ(reinterpret_cast<void *>(next.calloc), __real_dlsym(RTLD_DEFAULT, "calloc"));
    EXPECT_NE(reinterpret_cast<void *>(next.free), __real_dlsym(RTLD_DEFAULT, "free"));
    EXPECT_EQ(scratch::shim::find_next("no_such_function_anywhere"), nullptr);
}

} // namespace
