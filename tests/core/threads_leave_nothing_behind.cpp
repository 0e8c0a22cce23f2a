// Each thread has its own stack; what a dead thread leaves is found and used again or given back.
#include "made_stack.hpp"
#include "memory_in_use.hpp"
#include "stacks_of_threads.hpp"

#include <atomic>
#include <barrier>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

TEST(threads, have_stacks_of_their_own) {
    constexpr int count = 8;
    std::barrier together(count);
    std::vector<std::thread> threads;
    for (int index = 0; index < count; ++index) {
        threads.emplace_back([&together, index] {
            scratch_stack *const stack = scratch_this_thread();
            auto *const block = static_cast<unsigned char *>(scratch_push(stack, 100000, 16));
            std::memset(block, index, 100000);
            together.arrive_and_wait();
            for (int at = 0; at < 100000; ++at)
                ASSERT_EQ(block[at], index);
            together.arrive_and_wait();
        });
    }
    for (std::thread &thread : threads)
        thread.join();
}

TEST(threads, that_come_and_go_leave_a_bounded_number_of_stacks) {
    for (int turn = 0; turn < 500; ++turn) {
        std::thread([] {
            scratch_stack *const stack = scratch_this_thread();
            std::memset(scratch_push(stack, 1 << 20, 16), 1, 1 << 20);
            scratch_push(scratch_avoiding(&stack, 1), 100, 8);
        }).join();
    }
    EXPECT_LT(stacks_of_threads(), 100);
}

TEST(threads, leave_memory_that_a_trim_gives_back) {
    scratch_push(scratch_this_thread(), 1, 1);
    scratch_trim(scratch_this_thread(), 0);
    const std::size_t before = memory_in_use();
    constexpr std::size_t size = 16 << 20;
    std::vector<std::thread> threads;
    std::barrier together(4);
    for (int index = 0; index < 4; ++index) {
        threads.emplace_back([&together] {
            std::memset(scratch_push(scratch_this_thread(), size, 16), 1, size);
            together.arrive_and_wait();
        });
    }
    for (std::thread &thread : threads)
        thread.join();
    scratch_trim(scratch_this_thread(), 0);
    EXPECT_LT(memory_in_use(), before + size);
    EXPECT_EQ(stacks_of_threads(), 1);
    scratch_restore(scratch_this_thread(), 0);
}

TEST(threads, start_with_an_empty_zeroed_stack_after_others_died) {
    for (int turn = 0; turn < 50; ++turn) {
        std::thread([] {
            scratch_stack *const stack = scratch_this_thread();
            auto *const block = static_cast<unsigned char *>(scratch_push_zero(stack, 300000, 16));
            for (int at = 0; at < 300000; ++at)
                ASSERT_EQ(block[at], 0);
            std::memset(block, 0xEE, 300000);
            EXPECT_LT(scratch_stats(stack).used, 300100U);
            // Never run: its thread is gone by then.
            scratch_defer(
                stack, [](void *) { std::abort(); }, nullptr);
        }).join();
    }
}

TEST(threads, that_live_keep_their_stacks_whatever_others_do) {
    std::atomic<bool> done{false};
    std::vector<std::thread> residents;
    for (int index = 0; index < 4; ++index) {
        residents.emplace_back([&done, index] {
            scratch_stack *const stack = scratch_this_thread();
            auto *const block = static_cast<unsigned char *>(scratch_push(stack, 4096, 16));
            std::memset(block, index + 1, 4096);
            while (!done.load()) {
                SCRATCH_SCOPE(stack);
                std::memset(scratch_push(stack, 70000, 16), 0, 70000);
                std::this_thread::yield();
            }
            for (int at = 0; at < 4096; ++at)
                ASSERT_EQ(block[at], index + 1);
        });
    }
    for (int turn = 0; turn < 200; ++turn) {
        std::thread([] {
            std::memset(scratch_push(scratch_this_thread(), 100000, 16), 7, 100000);
        }).join();
        if (turn % 50 == 0) scratch_trim(scratch_this_thread(), 0);
    }
    done = true;
    for (std::thread &thread : residents)
        thread.join();
}

TEST(threads, may_start_and_end_all_at_once) {
    for (int turn = 0; turn < 5; ++turn) {
        std::vector<std::thread> threads;
        for (int index = 0; index < 40; ++index) {
            threads.emplace_back([] {
                made_stack created({.name = "each", .reserve = 1 << 20, .keep = 0, .flags = 0});
                scratch_push(created, 100, 8);
                scratch_stack *const stack = scratch_this_thread();
                auto *const block = static_cast<unsigned char *>(scratch_push(stack, 1000, 16));
                std::memset(block, 1, 1000);
                scratch_trim(stack, 0);
                for (int at = 0; at < 1000; ++at)
                    ASSERT_EQ(block[at], 1);
            });
        }
        for (std::thread &thread : threads)
            thread.join();
    }
}

TEST(threads, hand_a_stack_over) {
    made_stack stack({.name = "handed", .reserve = 0, .keep = 0, .flags = SCRATCH_CHECKED});
    char *const text = scratch_strdup(stack, "from the maker");
    scratch_hand_over(stack);
    std::thread([&] {
        scratch_take_over(stack);
        EXPECT_STREQ(text, "from the maker");
        scratch_push(stack, 100, 8);
        scratch_hand_over(stack);
    }).join();
    scratch_take_over(stack);
    scratch_push(stack, 100, 8);
}

} // namespace
