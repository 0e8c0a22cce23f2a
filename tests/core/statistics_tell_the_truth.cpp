// Statistics, names, iteration over all stacks, and the out-of-memory handler.
#include "made_stack.hpp"

#include <cerrno>
#include <csetjmp>
#include <cstdint>
#include <new>
#include <string>
#include <thread>

namespace {

TEST(statistics, count_what_is_used) {
    made_stack stack({.name = "counted", .reserve = 1 << 20, .keep = 0, .flags = 0});
    scratch_push(stack, 10000, 16);
    scratch_statistics now = scratch_stats(stack);
    EXPECT_STREQ(now.name, "counted");
    EXPECT_GE(now.used, 10000U);
    EXPECT_LT(now.used, 10100U);
    EXPECT_GE(now.high_water, 10000U);
    EXPECT_LT(now.high_water, 10000U + 4096 + 64);
    EXPECT_EQ(now.reserved, 1U << 20);
    EXPECT_GE(now.committed, now.touched);
    EXPECT_GE(now.touched, now.used);
    EXPECT_FALSE(now.of_thread);
    scratch_restore(stack, 0);
    now = scratch_stats(stack);
    EXPECT_EQ(now.used, 0U);
    EXPECT_GE(now.high_water, 10000U);
}

TEST(statistics, cut_long_names) {
    made_stack stack(
        {.name = "a name of more than thirty-one characters", .reserve = 0, .keep = 0, .flags = 0});
    EXPECT_EQ(std::string(scratch_stats(stack).name), "a name of more than thirty-one ");
}

TEST(statistics, of_a_thread_that_has_pushed_nothing_are_zero) {
    std::thread([] {
        EXPECT_EQ(scratch_stats(scratch_this_thread()).reserved, 0U);
        scratch_push(scratch_this_thread(), 1, 1);
        EXPECT_TRUE(scratch_stats(scratch_this_thread()).of_thread);
        EXPECT_GT(scratch_stats(scratch_this_thread()).reserved, 0U);
    }).join();
}

TEST(statistics, visit_every_stack_once) {
    struct seen {
        int found = 0;
        int all = 0;
    };
    const auto count = [] {
        seen result;
        scratch_visit(
            [](const scratch_statistics *statistics, void *context) {
                seen *const so_far = static_cast<seen *>(context);
                ++so_far->all;
                if (std::string(statistics->name) == "visited") ++so_far->found;
                return true;
            },
            &result);
        return result;
    };
    const int before = count().all;
    {
        // More than one slab of slots.
        scratch_frames *frames = nullptr;
        const scratch_options options{
            .name = "visited", .reserve = 64 * 1024, .keep = 0, .flags = 0};
        frames = scratch_frames_create(500, &options);
        ASSERT_NE(frames, nullptr);
        EXPECT_EQ(count().found, 500);
        EXPECT_EQ(count().all, before + 500);
        int visits = 0;
        scratch_visit([](const scratch_statistics *,
                         void *context) { return ++*static_cast<int *>(context) < 3; },
                      &visits);
        EXPECT_EQ(visits, 3) << "stops when told to";
        scratch_frames_destroy(frames);
    }
    EXPECT_EQ(count().found, 0);
    EXPECT_EQ(count().all, before);
}

const scratch_options small{.name = "small", .reserve = 64 * 1024, .keep = 0, .flags = 0};

TEST(out_of_memory, asks_the_stacks_handler_which_can_make_room) {
    made_stack stack(small);
    struct request {
        scratch_mark mark;
        std::size_t size;
        int calls;
    } the{scratch_save(stack), 0, 0};
    scratch_set_oom(
        stack,
        [](scratch_stack *full, std::size_t size, void *context) {
            auto *const made = static_cast<request *>(context);
            made->size = size;
            ++made->calls;
            return scratch_restore(full, made->mark);
        },
        &the);
    scratch_push(stack, 40000, 16);
    EXPECT_NE(scratch_push(stack, 50000, 16), nullptr);
    EXPECT_EQ(the.size, 50000U);
    EXPECT_EQ(the.calls, 1);
    EXPECT_STREQ(scratch_printf(stack, "%30000d", 7) + 29999, "7");
    EXPECT_EQ(the.calls, 2);
    EXPECT_EQ(scratch_try_push(stack, 70000, 16), nullptr) << "the try forms ask nobody";
    EXPECT_EQ(the.calls, 2);
}

TEST(out_of_memory, may_be_left_by_an_exception_or_a_jump) {
    made_stack stack(small);
    scratch_push(stack, 40000, 16);
    const scratch_mark before = scratch_save(stack);
    scratch_set_oom(
        stack, [](scratch_stack *, std::size_t, void *) -> bool { throw std::bad_alloc(); },
        nullptr);
    EXPECT_THROW(scratch_push(stack, 50000, 16), std::bad_alloc);
    EXPECT_THROW(scratch_push_zero(stack, 50000, 16), std::bad_alloc);
    EXPECT_THROW(scratch_resize(stack, nullptr, 0, 50000, 16), std::bad_alloc);
    EXPECT_EQ(scratch_save(stack), before);
    static std::jmp_buf out;
    scratch_set_oom(
        stack, [](scratch_stack *, std::size_t, void *) -> bool { std::longjmp(out, 1); }, nullptr);
    if (setjmp(out) == 0) {
        scratch_push(stack, 50000, 16);
        FAIL();
    }
    EXPECT_EQ(scratch_save(stack), before);
}

TEST(out_of_memory_death, stops_the_program_with_a_message) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    made_stack stack(small);
    scratch_push(stack, 40000, 16);
    EXPECT_DEATH(scratch_push(stack, 50000, 16),
                 "scratch: out of memory: stack 'small' has no room for 50000");
    EXPECT_DEATH((void)scratch_push_array(stack, long, unknown(SIZE_MAX / 8 + 2)), "out of memory");
    EXPECT_DEATH(scratch_push(stack, 1, 3), "alignment");
    scratch_set_oom(
        nullptr, [](scratch_stack *, std::size_t, void *) { return false; }, nullptr);
    EXPECT_DEATH(scratch_strdup(stack, std::string(70000, 'x').c_str()),
                 "'small' has no room for 70001");
    scratch_set_oom(nullptr, nullptr, nullptr);
}

TEST(options, that_do_not_exist_are_refused) {
    const scratch_options unknown_flag{.name = "x", .reserve = 0, .keep = 0, .flags = 64};
    errno = 0;
    EXPECT_EQ(scratch_stack_create(&unknown_flag), nullptr);
    EXPECT_EQ(errno, EINVAL);
    for (const std::size_t reserve :
         sizes{SIZE_MAX, SIZE_MAX - 8192, SIZE_MAX / 2, std::size_t{1} << 47}) {
        const scratch_options too_much{.name = "x", .reserve = reserve, .keep = 0, .flags = 0};
        errno = 0;
        EXPECT_EQ(scratch_stack_create(&too_much), nullptr);
        EXPECT_EQ(errno, ENOMEM);
    }
    scratch_stack_destroy(nullptr);
}

} // namespace
