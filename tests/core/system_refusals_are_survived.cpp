// When the system refuses addresses or memory, the call fails with ENOMEM, nothing is lost, and it
// works again as soon as the system gives again. The linker puts this file between core and the
// system calls.
#include "made_stack.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <thread>

#include <sys/mman.h>
#include <sys/resource.h>

namespace {

constexpr int never = 1 << 30;

struct hostile_system {
    int maps_until_refusal = never;
    int commits_until_refusal = never;
    bool refuses_advice = false;
    std::size_t largest_map = SIZE_MAX;
    std::size_t largest_commit = SIZE_MAX;
    std::size_t limit = RLIM_INFINITY;
    int refusals = 0;
    long mapped = 0; ///< bytes mapped less bytes unmapped

    bool refuse(int &countdown) {
        if (countdown > 0) {
            --countdown;
            return false;
        }
        ++refusals;
        return true;
    }
} hostile;

} // namespace

// glibc has names of their own for what takes offsets and limits of 64 bits, musl has no other.
#ifdef __GLIBC__
#define real_mmap __real_mmap64
#define wrap_mmap __wrap_mmap64
#define real_getrlimit __real_getrlimit64
#define wrap_getrlimit __wrap_getrlimit64
#else
#define real_mmap __real_mmap
#define wrap_mmap __wrap_mmap
#define real_getrlimit __real_getrlimit
#define wrap_getrlimit __wrap_getrlimit
#endif

extern "C" {
void *real_mmap(void *, size_t, int, int, int, off_t);
int __real_munmap(void *, size_t);
int __real_mprotect(void *, size_t, int);
int __real_madvise(void *, size_t, int);
int real_getrlimit(int, rlimit *);

void *wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    if (size > hostile.largest_map || hostile.refuse(hostile.maps_until_refusal)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    void *const mapped = real_mmap(at, size, protection, flags, file, offset);
    if (mapped != MAP_FAILED) hostile.mapped += static_cast<long>(size);
    return mapped;
}

int __wrap_munmap(void *at, size_t size) {
    hostile.mapped -= static_cast<long>(size);
    return __real_munmap(at, size);
}

int __wrap_mprotect(void *at, size_t size, int protection) {
    if (size > hostile.largest_commit || hostile.refuse(hostile.commits_until_refusal)) {
        errno = EAGAIN;
        return -1;
    }
    return __real_mprotect(at, size, protection);
}

int __wrap_madvise(void *at, size_t size, int advice) {
    if (hostile.refuses_advice) {
        errno = EINVAL;
        return -1;
    }
    return __real_madvise(at, size, advice);
}

int wrap_getrlimit(int resource, rlimit *limit) {
    const int result = real_getrlimit(resource, limit);
    if (resource == RLIMIT_AS) limit->rlim_cur = hostile.limit;
    return result;
}
}

namespace {

class refusals : public testing::Test {
    void SetUp() override { hostile = {}; }
    void TearDown() override { hostile = {}; }
};

TEST_F(refusals, of_addresses_give_no_stack_and_lose_nothing) {
    scratch_push(scratch_this_thread(), 1, 1); // what is taken once for the process
    const long before = hostile.mapped;
    hostile.maps_until_refusal = 0;
    errno = 0;
    EXPECT_EQ(scratch_stack_create(nullptr), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_GT(hostile.refusals, 0);
    EXPECT_EQ(scratch_frames_create(3, nullptr), nullptr);
    hostile.maps_until_refusal = 2;
    EXPECT_EQ(scratch_frames_create(3, nullptr), nullptr) << "the first two are given back";
    EXPECT_EQ(hostile.mapped, before);
    hostile.maps_until_refusal = never;
    { made_stack works; }
    EXPECT_EQ(hostile.mapped, before);
}

TEST_F(refusals, of_much_give_less) {
    hostile.largest_map = std::size_t{5} << 30;
    made_stack stack;
    EXPECT_EQ(scratch_stats(stack).reserved, std::size_t{4} << 30);
    EXPECT_GT(hostile.refusals + 1, 0);
}

TEST_F(refusals, of_a_gibibyte_are_final_where_nothing_is_limited) {
    hostile.largest_map = std::size_t{1} << 29;
    EXPECT_EQ(scratch_stack_create(nullptr), nullptr);
    hostile.limit = std::size_t{8} << 30;
    made_stack stack;
    EXPECT_EQ(scratch_stats(stack).reserved, std::size_t{1} << 28)
        << "half of a sixteenth of 8 GiB";
}

TEST_F(refusals, of_memory_at_any_call_leave_the_stack_as_it_was) {
    for (int calls = 0; calls < 12; ++calls) {
        hostile = {};
        made_stack stack;
        hostile.commits_until_refusal = calls;
        std::size_t used = 0;
        char *last = nullptr;
        for (;;) {
            const scratch_mark before = scratch_save(stack);
            errno = 0;
            char *const block = static_cast<char *>(scratch_try_push(stack, 50000, 16));
            if (block == nullptr) {
                EXPECT_EQ(errno, ENOMEM);
                EXPECT_EQ(scratch_save(stack), before);
                EXPECT_EQ(scratch_try_push_zero(stack, 50000, 4096), nullptr);
                EXPECT_EQ(scratch_try_resize(stack, last, 50000, 5 << 20, 16), nullptr);
                EXPECT_EQ(scratch_save(stack), before);
                break;
            }
            std::memset(block, 1, 50000);
            used += 50000;
            last = block;
        }
        EXPECT_GT(hostile.refusals, 0);
        EXPECT_GE(used, static_cast<std::size_t>(calls) * 50000 / 2);
        hostile.commits_until_refusal = never;
        std::memset(scratch_push(stack, 5 << 20, 16), 1, 5 << 20);
    }
}

TEST_F(refusals, of_a_long_step_are_met_with_a_short_one) {
    made_stack stack;
    hostile.largest_commit = 4096;
    for (int turn = 0; turn < 100; ++turn)
        std::memset(scratch_push(stack, 4000, 16), 1, 4000);
    EXPECT_EQ(scratch_try_push(stack, 9000, 16), nullptr);
}

TEST_F(refusals, on_a_threads_first_push_can_be_tried_again) {
    std::thread([] {
        hostile.maps_until_refusal = 0;
        hostile.commits_until_refusal = 0;
        scratch_stack *const stack = scratch_this_thread();
        const scratch_mark mark = scratch_save(stack);
        errno = 0;
        EXPECT_EQ(scratch_try_push(stack, 100, 8), nullptr);
        EXPECT_EQ(errno, ENOMEM);
        EXPECT_FALSE(scratch_try_defer(
            stack, [](void *) {}, nullptr));
        EXPECT_EQ(scratch_try_avoiding(&stack, 1), nullptr);
        EXPECT_TRUE(scratch_restore(stack, mark));
        hostile = {};
        EXPECT_NE(scratch_try_push(stack, 100, 8), nullptr);
    }).join();
}

TEST_F(refusals, of_advice_cost_speed_only) {
    hostile.refuses_advice = true;
    made_stack stack({.name = "advised", .reserve = 0, .keep = 4096, .flags = SCRATCH_HUGE_PAGES});
    std::memset(scratch_push(stack, 1 << 20, 16), 0xFF, 1 << 20);
    scratch_restore(stack, 0);
    EXPECT_EQ(scratch_trim(stack, 0), 0U) << "nothing was given back";
    const auto *const zeros = static_cast<unsigned char *>(scratch_push_zero(stack, 1 << 20, 16));
    for (int at = 0; at < 1 << 20; ++at)
        ASSERT_EQ(zeros[at], 0);
}

TEST_F(refusals, of_advice_do_not_show_through_a_stack_that_was_a_dead_threads) {
    hostile.refuses_advice = true;
    for (int turn = 0; turn < 20; ++turn) {
        std::thread([] {
            auto *const block =
                static_cast<unsigned char *>(scratch_push_zero(scratch_this_thread(), 200000, 16));
            for (int at = 0; at < 200000; ++at)
                ASSERT_EQ(block[at], 0);
            std::memset(block, 0xEE, 200000);
        }).join();
    }
}

} // namespace
