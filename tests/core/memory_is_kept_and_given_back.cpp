// Memory is committed in steps, kept while it is used, given back on request and beyond `keep`.
#include "made_stack.hpp"
#include "memory_in_use.hpp"

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr std::size_t mebibyte = 1 << 20;

void use(scratch_stack *stack, std::size_t size) {
    std::memset(scratch_push(stack, size, 16), 1, size);
}

/// Asked beside the stack, so that one which does not populate is not taken for such a kernel.
bool kernel_populates() {
    constexpr int populate_write = 23; // MADV_POPULATE_WRITE, newer than some systems' headers
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void *const memory =
        mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const bool done = memory != MAP_FAILED && madvise(memory, page, populate_write) == 0;
    munmap(memory, page);
    return done;
}

TEST(memory, of_an_idle_stack_is_64_kib_at_most) {
    made_stack stack;
    EXPECT_EQ(scratch_stats(stack).committed, 0U) << "nothing before the first push";
    scratch_push(stack, 1, 1);
    EXPECT_LE(scratch_stats(stack).committed, 64U * 1024);
}

TEST(memory, is_committed_in_growing_steps) {
    made_stack stack;
    for (int turn = 0; turn < 64 * 1024; ++turn)
        scratch_push(stack, 1024, 16);
    const scratch_statistics statistics = scratch_stats(stack);
    EXPECT_GE(statistics.committed, 64 * mebibyte);
    EXPECT_LE(statistics.commits, 40U);
    EXPECT_GE(statistics.commits, 6U);
}

TEST(memory, that_was_used_is_kept) {
    made_stack stack;
    use(stack, 16 * mebibyte);
    scratch_restore(stack, 0);
    const long before = faults_so_far();
    use(stack, 16 * mebibyte);
    EXPECT_LT(faults_so_far() - before, 100);
}

TEST(memory, is_given_back_by_trim) {
    made_stack stack;
    use(stack, 32 * mebibyte);
    scratch_restore(stack, 0);
    void *const kept = scratch_push(stack, 100000, 16);
    std::memset(kept, 7, 100000);
    const std::size_t before = memory_in_use();
    EXPECT_GE(scratch_trim(stack, mebibyte), 30 * mebibyte);
    EXPECT_LT(memory_in_use(), before - 29 * mebibyte);
    EXPECT_EQ(scratch_trim(stack, mebibyte), 0U) << "once";
    EXPECT_EQ(static_cast<char *>(kept)[99999], 7);
    EXPECT_GE(scratch_stats(stack).trimmed, 30 * mebibyte);
    EXPECT_GE(scratch_stats(stack).high_water, 32 * mebibyte) << "the highest stays known";
    use(stack, 32 * mebibyte);
}

TEST(memory, beyond_keep_is_given_back_by_a_restore) {
    made_stack stack({.name = "keeper", .reserve = 0, .keep = mebibyte, .flags = 0});
    const scratch_mark mark = scratch_save(stack);
    use(stack, 3 * mebibyte / 2);
    scratch_restore(stack, mark);
    EXPECT_EQ(scratch_stats(stack).trimmed, 0U) << "not before twice of it was used";
    use(stack, 32 * mebibyte);
    const std::size_t before = memory_in_use();
    scratch_restore(stack, mark);
    EXPECT_LT(memory_in_use(), before - 30 * mebibyte);
    EXPECT_LE(scratch_stats(stack).touched, mebibyte + 4096);
}

TEST(memory, that_swings_by_less_than_twice_of_keep_is_left_alone) {
    made_stack stack({.name = "keeper", .reserve = 0, .keep = mebibyte, .flags = 0});
    use(stack, 4 * mebibyte);
    const scratch_mark lower = scratch_save(stack);
    for (int turn = 0; turn < 10; ++turn) {
        use(stack, 3 * mebibyte / 2);
        scratch_restore(stack, lower);
        EXPECT_EQ(scratch_stats(stack).trimmed, 0U) << turn;
    }
    use(stack, 3 * mebibyte);
    scratch_restore(stack, lower);
    EXPECT_GT(scratch_stats(stack).trimmed, mebibyte);
}

TEST(memory, beyond_keep_is_given_back_in_small_steps_and_pops_too) {
    made_stack stack({.name = "keeper", .reserve = 0, .keep = mebibyte, .flags = 0});
    std::vector<void *> blocks;
    for (int turn = 0; turn < 8 * 1024; ++turn) {
        blocks.push_back(scratch_push(stack, 1024, 16));
        std::memset(blocks.back(), 1, 1024);
    }
    while (!blocks.empty()) {
        EXPECT_TRUE(scratch_pop(stack, blocks.back(), 1024));
        blocks.pop_back();
        const scratch_statistics now = scratch_stats(stack);
        ASSERT_LE(now.touched - now.used, 2 * mebibyte + 8192);
    }
}

TEST(memory, is_put_in_place_ahead_once_growth_repeats) {
    if (watched_by_a_checker()) GTEST_SKIP() << "a checker takes memory of its own";
    if (fills_what_is_given_back) GTEST_SKIP() << "a debug build touches what nobody else does";
    made_stack stack;
    // Nothing here is written: what becomes resident was put in place by the stack. (The kernel
    // counts the pages that it populates as faults, so faults would not tell.)
    const auto grow = [&] {
        const std::size_t before = memory_in_use();
        for (int turn = 0; turn < 16 * 1024; ++turn)
            scratch_push(stack, 1024, 16);
        scratch_restore(stack, 0);
        return memory_in_use() - before;
    };
    EXPECT_LT(grow(), mebibyte) << "not for growth that never happened before";
    scratch_trim(stack, 0);
    const std::size_t again = grow();
    if (!kernel_populates()) GTEST_SKIP() << "this kernel cannot populate";
    EXPECT_GT(again, 15 * mebibyte);
    EXPECT_GE(scratch_stats(stack).populated, 16 * mebibyte);
    EXPECT_LT(scratch_stats(stack).populated, 18 * mebibyte) << "no more than was in use before";
}

TEST(memory, comes_in_huge_pages_on_request) {
    made_stack stack({.name = "huge", .reserve = 0, .keep = 0, .flags = SCRATCH_HUGE_PAGES});
    std::ifstream setting("/sys/kernel/mm/transparent_hugepage/enabled");
    std::string line;
    std::getline(setting, line);
    char *const block = static_cast<char *>(scratch_push(stack, 64 * mebibyte, 16));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % (2 * mebibyte), 0U);
    if (line.empty() || line.find("[never]") != std::string::npos || watched_by_a_checker() ||
        with_thread_sanitizer) {
        GTEST_SKIP() << "no huge pages here: " << line;
    }
    const long before = faults_so_far();
    std::memset(block, 1, 64 * mebibyte);
    EXPECT_LT(faults_so_far() - before, 64 * 256 / 4) << "fewer faults than pages of 4 KiB";
}

} // namespace
