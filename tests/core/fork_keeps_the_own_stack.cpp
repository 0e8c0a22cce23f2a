// A child of fork goes on with its own stack and the created ones; those of its parent's other
// threads are given back. A child of vfork harms nothing.
#include "../forgotten_thread.hpp"
#include "made_stack.hpp"
#include "stacks_of_threads.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

/// Runs `body` in a child; true if it returned true.
template <typename body_t>
bool in_child(body_t body) {
    const pid_t child = fork();
    if (child == 0) _exit(body() ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Other threads that hold blocks until told to end.
class holders {
public:
    explicit holders(int count) {
        for (int index = 0; index < count; ++index) {
            threads_.emplace_back([this] {
                auto *const block =
                    static_cast<char *>(scratch_push(scratch_this_thread(), 100000, 16));
                std::memset(block, 5, 100000);
                ++ready_;
                while (!done_)
                    std::this_thread::yield();
                EXPECT_EQ(block[99999], 5);
            });
        }
        while (ready_ != count)
            std::this_thread::yield();
    }
    holders(const holders &) = delete;
    holders &operator=(const holders &) = delete;
    ~holders() {
        done_ = true;
        for (std::thread &thread : threads_)
            thread.join();
    }

private:
    std::atomic<int> ready_{0};
    std::atomic<bool> done_{false};
    std::vector<std::thread> threads_;
};

TEST(fork_keeps, the_own_stack_and_gives_back_the_others) {
    scratch_stack *const own = scratch_this_thread();
    made_stack created;
    char *const text = scratch_strdup(own, "own");
    char *const more = scratch_strdup(created, "created");
    const holders others(5);
    EXPECT_GE(stacks_of_threads(), 6);
    EXPECT_TRUE(in_child([&] {
        scratch_trim(own, 0);
        const bool alone = stacks_of_threads() == 1;
        scratch_push(own, 1 << 20, 16);
        scratch_push(created, 1 << 20, 16);
        return alone && std::strcmp(text, "own") == 0 && std::strcmp(more, "created") == 0 &&
               scratch_owns(own, text) && scratch_owns(created, more);
    }));
    EXPECT_STREQ(text, "own");
    EXPECT_GE(stacks_of_threads(), 6);
}

TEST(fork_keeps, the_stack_of_a_thread_that_is_not_the_first) {
    std::thread([] {
        scratch_stack *const own = scratch_this_thread();
        scratch_stack *const further = scratch_avoiding(&own, 1);
        char *const text = scratch_strdup(own, "own");
        char *const more = scratch_strdup(further, "further");
        const holders others(3);
        EXPECT_TRUE(in_child([&] {
            scratch_trim(own, 0);
            return stacks_of_threads() == 2 && std::strcmp(text, "own") == 0 &&
                   std::strcmp(more, "further") == 0 && scratch_avoiding(&own, 1) == further;
        }));
    }).join();
}

TEST(fork_keeps, the_forkers_stack_where_another_thread_of_the_child_comes_first) {
    if (with_thread_sanitizer) GTEST_SKIP() << "ThreadSanitizer allows no threads in such a child";
    std::thread([] {
        char *const text = scratch_strdup(scratch_this_thread(), "forker");
        const holders others(3);
        EXPECT_TRUE(in_child([&] {
            for (int turn = 0; turn < 20; ++turn) {
                live_until_forgotten([] {
                    std::memset(scratch_push_zero(scratch_this_thread(), 1 << 20, 16), 9, 1 << 20);
                    scratch_trim(scratch_this_thread(), 0);
                });
            }
            if (std::strcmp(text, "forker") != 0) return false;
            scratch_trim(scratch_this_thread(), 0);
            return std::strcmp(text, "forker") == 0 && stacks_of_threads() == 1;
        }));
    }).join();
}

TEST(fork_keeps, through_generations_of_children) {
    char *const text = scratch_strdup(scratch_this_thread(), "ancestor");
    const auto thread_works = [] {
        live_until_forgotten([] { scratch_push(scratch_this_thread(), 1 << 20, 16); });
    };
    EXPECT_TRUE(in_child([&] {
        thread_works();
        return in_child([&] {
            thread_works();
            return in_child([&] {
                thread_works();
                scratch_trim(scratch_this_thread(), 0);
                return std::strcmp(text, "ancestor") == 0 && stacks_of_threads() == 1;
            });
        });
    }));
}

TEST(fork_keeps, what_a_child_that_never_used_a_stack_needs) {
    std::thread([] {
        EXPECT_TRUE(in_child([] {
            scratch_push(scratch_this_thread(), 100, 8);
            scratch_trim(scratch_this_thread(), 0);
            return stacks_of_threads() == 1;
        }));
    }).join();
}

// A child of vfork runs on its parent's memory: what it starts there is the parent's afterwards.
TEST(vfork_harms, nothing) {
    std::thread([] {
        const pid_t child = vfork();
        if (child == 0) {
            std::memset(scratch_push(scratch_this_thread(), 1000, 16), 3, 1000);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        EXPECT_TRUE(WIFEXITED(status));
        auto *const block =
            static_cast<unsigned char *>(scratch_push(scratch_this_thread(), 1000, 16));
        std::memset(block, 4, 1000);
        // Nobody takes the stack away because the child is dead.
        for (int turn = 0; turn < 50; ++turn) {
            std::thread([] { scratch_push_zero(scratch_this_thread(), 100000, 16); }).join();
        }
        std::thread([] { scratch_trim(scratch_this_thread(), 0); }).join();
        for (int at = 0; at < 1000; ++at)
            ASSERT_EQ(block[at], 4);
        EXPECT_TRUE(scratch_owns(scratch_this_thread(), block));
    }).join();
}

} // namespace
