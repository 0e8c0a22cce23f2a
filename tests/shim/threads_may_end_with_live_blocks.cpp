// Threads: blocks are freed by whoever has them, whenever; a thread's end loses nothing and leaves
// nothing behind.
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <gtest/gtest.h>
#include <mutex>
#include <pthread.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "../forgotten_thread.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"
#include "short_life.hpp"

namespace {

constexpr std::size_t one_mib = std::size_t{1} << 20;

// One side allocates in regions, the other frees what it is handed.
class hand_over {
public:
    void give(void *block) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return count_ < std::size(blocks_); });
        blocks_[(first_ + count_++) % std::size(blocks_)] = block;
        filled_.notify_one();
    }
    void *take() {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [this] { return count_ != 0; });
        void *block = blocks_[first_];
        first_ = (first_ + 1) % std::size(blocks_);
        --count_;
        room_.notify_one();
        return block;
    }

private:
    std::mutex mutex_;
    std::condition_variable room_;
    std::condition_variable filled_;
    void *blocks_[64];
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

SCENARIO(handed_to_another_thread) {
    start_of_scratch_memory();
    constexpr std::size_t rounds = 30000;
    static hand_over queue;
    std::thread consumer([] {
        for (std::size_t i = 0; i < rounds; ++i) {
            void *block = queue.take();
            const std::size_t size = i % 500 == 0 ? 70000 : 16 + i % 300;
            REQUIRE(has_pattern(block, size, i));
            free(block);
        }
    });
    std::size_t resident = 0;
    for (std::size_t i = 0; i < rounds; ++i) {
        SCRATCH_REGION("produce");
        const std::size_t size = i % 500 == 0 ? 70000 : 16 + i % 300;
        void *block = malloc(size);
        write_pattern(block, size, i);
        free(malloc(100));
        queue.give(block);
        if (i == rounds / 2) resident = resident_bytes();
    }
    consumer.join();
    REQUIRE(resident_bytes() <= resident + 2 * one_mib);
    SCRATCH_REGION("take in what was freed");
    free(malloc(70000));
    return 0;
}

TEST(thread, frees_what_another_allocated) {
    const outcome result = run(handed_to_another_thread, {.environment = {"SCRATCH_BUDGET=64M"}});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("remote_frees"), 30000u);
    EXPECT_EQ(result.count("large_bytes"), 0u);
    EXPECT_LE(result.count("chunk_bytes"), 64u << 10);
}

struct kept_block {
    void *block;
    std::size_t size;
};

SCENARIO(ended_with_live_blocks) {
    start_of_scratch_memory();
    constexpr std::size_t threads = 100;
    constexpr std::size_t each = 20;
    static kept_block kept[threads][each];
    for (std::size_t t = 0; t < threads; ++t) {
        live_until_forgotten([t] {
            SCRATCH_REGION("short life");
            for (std::size_t i = 0; i < each; ++i) {
                const std::size_t size = i == 7 ? 50000 : 10 + 30 * i;
                free(malloc(50));
                kept[t][i] = {malloc(size), size};
                REQUIRE(t != 0 || is_scratch(kept[t][i].block));
                write_pattern(kept[t][i].block, size, t * each + i);
            }
        });
    }
    for (std::size_t t = 0; t < threads; ++t)
        for (std::size_t i = 0; i < each; ++i)
            REQUIRE(has_pattern(kept[t][i].block, kept[t][i].size, t * each + i));
    // Half of it by this thread, half by another, some resized first.
    for (std::size_t t = 0; t < threads; ++t)
        for (std::size_t i = 0; i < each; i += 2) {
            void *resized = realloc(kept[t][i].block, 2000);
            REQUIRE(has_pattern(resized, std::min<std::size_t>(kept[t][i].size, 2000), t * each + i,
                                kept[t][i].size));
            free(resized);
        }
    std::thread([] {
        for (auto &of_thread : kept)
            for (std::size_t i = 1; i < each; i += 2)
                free(of_thread[i].block);
        // Takes over a dead thread's blocks, and so counts what was freed of them.
        SCRATCH_REGION("heir");
        free(malloc(100));
    }).join();
    return 0;
}

TEST(thread, ends_and_its_blocks_live_on) {
    const outcome result = run(ended_with_live_blocks, {.environment = {"SCRATCH_BUDGET=64M"}});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 2000u);
    EXPECT_EQ(result.count("remote_frees"), 2000u);
    // One heap serves them all, one after the other, and what was freed of it is free.
    EXPECT_EQ(result.count("large_bytes"), 0u);
    EXPECT_LE(result.count("chunk_bytes"), 128u << 10);
}

SCENARIO(ten_thousand_threads) {
    start_of_scratch_memory();
    std::size_t mapped = 0;
    std::size_t resident = 0;
    for (unsigned number = 0; number < 10000; ++number) {
        std::thread(short_life, number).join();
        if (number == 1000) {
            mapped = mapped_bytes();
            resident = resident_bytes();
        }
    }
    REQUIRE(mapped_bytes() <= mapped + one_mib);
    REQUIRE(resident_bytes() <= resident + one_mib);
    return 0;
}

TEST(thread, ten_thousand_short_ones_leave_nothing_behind) {
#ifdef __APPLE__
    // In adaptive mode the main thread's own blocks, which it makes for each thread, keep two
    // chunks there, and a dead thread's heap keeps one. Where the kernel still knows a thread that
    // was joined when the next one begins, that one starts a second heap, and these take turns:
    // three times of thirty here.
    constexpr std::uint64_t most_left = 256 << 10;
#else
    constexpr std::uint64_t most_left = 192 << 10;
#endif
    for (const char *mode : {"scoped", "adaptive"}) {
        const outcome result = run(ten_thousand_threads, {.mode = mode});
        ASSERT_TRUE(result.exited_with(0)) << mode << result.describe();
        // Every thread could push: not refused since the dead ones hold the budget.
        EXPECT_EQ(result.count("budget_refusals"), 0u) << mode;
        EXPECT_LE(result.count("chunk_bytes_peak"), 512u << 10) << mode;
        EXPECT_LE(result.count("chunk_bytes"), most_left) << mode;
    }
}

// Many at a time hold all of the budget; those that are left have it again when they are gone, and
// no new thread has to come for that.
SCENARIO(outlived_many) {
    start_of_scratch_memory();
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < 200; ++number)
        threads.emplace_back([&done] {
            scratch_free(scratch_alloc(100));
            done.fetch_add(1);
            while (done.load() != 200)
                std::this_thread::yield();
        });
    for (std::thread &thread : threads)
        thread.join();
    // More than half of it. Who was refused does not look for it each time.
    for (int round = 0; round < 1000; ++round) {
        SCRATCH_REGION("what goes on");
        void *blocks[160];
        for (void *&block : blocks) {
            block = malloc(30000);
            REQUIRE(round < 500 || is_scratch(block));
        }
        for (void *block : blocks)
            free(block);
    }
    return 0;
}

TEST(thread, gives_its_budget_back_to_those_that_are_left) {
    const outcome result = run(outlived_many);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// --- the very end of a thread
// ------------------------------------------------------------------------

struct freed_at_the_end {
    void *block = nullptr;
    ~freed_at_the_end() {
        free(block);
        SCRATCH_REGION("in a destructor");
        free(malloc(100));
    }
};
thread_local freed_at_the_end local;

pthread_key_t key;
std::atomic<int> rounds_of_key{0};

void free_and_again(void *block) {
    free(block);
    rounds_of_key.fetch_add(1);
    if (rounds_of_key.load() % 3 != 0) {
        SCRATCH_REGION("in a key's destructor");
        pthread_setspecific(key, malloc(500));
    }
}

SCENARIO(freed_in_destructors) {
    start_of_scratch_memory();
    REQUIRE(pthread_key_create(&key, free_and_again) == 0);
    for (int number = 0; number < 200; ++number) {
        live_until_forgotten([] {
            SCRATCH_REGION("life");
            local.block = malloc(300);
            pthread_setspecific(key, malloc(300));
        });
    }
    REQUIRE(rounds_of_key.load() == 600);
    std::thread([] {
        SCRATCH_REGION("heir");
        free(malloc(100));
    }).join();
    return 0;
}

TEST(thread, frees_in_its_destructors) {
    const outcome result = run(freed_in_destructors);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_LE(result.count("chunk_bytes"), 64u << 10);
}

// In whatever order the system calls the destructors, the thread stays who it was.
SCENARIO(freed_behind_all_destructors) {
    {
        SCRATCH_REGION("before the key is made");
        free(malloc(100));
    }
    REQUIRE(pthread_key_create(&key, free_and_again) == 0);
    for (int number = 0; number < 20; ++number) {
        live_until_forgotten([] {
            SCRATCH_REGION("life");
            pthread_setspecific(key, malloc(300));
        });
    }
    return 0;
}

TEST(thread, is_the_same_in_its_destructors) {
    const outcome result = run(freed_behind_all_destructors);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("threads"), 21u);
    EXPECT_EQ(result.count("remote_frees"), 0u);
}

// The shim takes none of the program's keys; on macOS one, where words of threads are safe to use
// in malloc only so, and dyld one for the stack allocator's thread-local variables.
#ifdef __APPLE__
constexpr int keys_of_the_shim = 2;
#else
constexpr int keys_of_the_shim = 0;
#endif

SCENARIO(all_keys) {
    scratch_free(scratch_alloc(10));
    std::vector<pthread_key_t> keys;
    for (pthread_key_t made; pthread_key_create(&made, nullptr) == 0;)
        keys.push_back(made);
    // What the runtimes of C++ and of the test take is the same without the shim.
    dprintf(STDOUT_FILENO, "%zu", keys.size());
    return 0;
}

TEST(thread, has_all_keys_to_itself) {
    const outcome bare = run(all_keys, {.preload = false});
    ASSERT_TRUE(bare.exited_with(0)) << bare.describe();
    const outcome result = run(all_keys);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(std::stoi(result.output), std::stoi(bare.output) - keys_of_the_shim);
    EXPECT_GE(std::stoi(result.output), PTHREAD_KEYS_MAX - 4 - keys_of_the_shim);
}

// A region that is open when its thread ends is over.
SCENARIO(ended_in_a_region) {
    start_of_scratch_memory();
    static void *kept[500];
    for (std::size_t number = 0; number < 500; ++number) {
        std::thread([number] {
            scratch_region_enter("never left", number % 2 == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
            free(malloc(100));
            kept[number] = malloc(100);
            write_pattern(kept[number], 100, number);
            scratch_region_enter("never left either", 0);
            malloc(100);
        }).join();
        // The next thread's calls are its own.
        std::thread([] {
            void *plain = malloc(10);
            REQUIRE(!is_scratch(plain));
            free(plain);
        }).join();
    }
    for (std::size_t number = 0; number < 500; ++number) {
        REQUIRE(has_pattern(kept[number], 100, number));
        free(kept[number]);
    }
    return 0;
}

TEST(thread, ends_in_a_region_and_its_blocks_live_on) {
    const outcome result = run(ended_in_a_region, {.environment = {"SCRATCH_BUDGET=256M"}});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// More threads alive than there are heaps: those without one are served by the next allocator.
SCENARIO(many_alive) {
    static std::atomic<bool> finish{false};
    static std::atomic<unsigned> served{0};
    std::vector<pthread_t> threads;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    for (int number = 0; number < 2200; ++number) {
        pthread_t thread;
        const int error = pthread_create(
            &thread, &attributes,
            [](void *) -> void * {
                SCRATCH_REGION("life");
                void *block = malloc(100);
                write_pattern(block, 100, 5);
                served.fetch_add(1);
                while (!finish.load())
                    usleep(20000);
                REQUIRE(has_pattern(block, 100, 5));
                free(block);
                return nullptr;
            },
            nullptr);
        if (error != 0) break; // the system's limit
        threads.push_back(thread);
    }
    while (served.load() != threads.size())
        usleep(1000);
    finish.store(true);
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    dprintf(STDOUT_FILENO, "%zu", threads.size());
    return 0;
}

TEST(thread, more_than_there_are_heaps_are_served) {
    const outcome result = run(many_alive, {.environment = {"SCRATCH_BUDGET=1G"}});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    if (std::stoi(result.output) < 2100)
        GTEST_SKIP() << "LOUDLY SKIPPED: only " << result.output << " threads can be started here";
    EXPECT_GT(result.count("scratch_calls"), 2000u);
    EXPECT_LE(result.count("scratch_calls"), 2048u);
}

} // namespace
