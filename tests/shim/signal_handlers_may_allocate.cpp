// A handler may interrupt the shim anywhere and allocate, free, open regions and jump away; nothing
// is lost or handed out twice.
#include <algorithm>
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

// --- what the handler does ---------------------------------------------------------------------
// It may interrupt libc's malloc, which glibc does not survive, so it has to stay on the stack: its
// blocks are small, its region is its own, and what cannot be pushed there is let be. The main
// code's calls to malloc reach libc only while signals are blocked.

struct parked {
    void *block;
    std::size_t size;
    std::size_t number;
};
parked parking[64];
std::size_t handler_calls = 0;
std::size_t handler_pushes = 0;
bool handler_keeps = false;
bool handler_regions = false;
std::uintptr_t scratch_begins = 0;

// Tagged calls that end on the stack or nowhere: a plain malloc out of a handler is not safe. It is
// where the main code is in a region and has room, and so is never in libc's malloc itself.
bool plain_calls = false;

void *push_or_nothing(std::size_t size) {
    if (plain_calls) return malloc(size);
    const auto alloc = scratch_annotate_alloc_address();
    return alloc == nullptr ? nullptr : alloc(size);
}

void park(std::size_t size) {
    parked &place = parking[handler_calls * 7 % std::size(parking)];
    if (place.block != nullptr) {
        REQUIRE(has_pattern(place.block, place.size, place.number));
        scratch_free(place.block);
        place.block = nullptr;
    }
    if (handler_calls % 3 == 0) return;
    void *block = push_or_nothing(size);
    if (block == nullptr) return;
    write_pattern(block, size, handler_calls);
    place = {block, size, handler_calls};
}

void allocate_in_handler() {
    void *blocks[6];
    const std::size_t number = handler_calls;
    for (std::size_t i = 0; i < 6; ++i) {
        blocks[i] = push_or_nothing(10 + 40 * i);
        if (blocks[i] == nullptr) continue;
        ++handler_pushes;
        write_pattern(blocks[i], 10 + 40 * i, number + i);
    }
    for (std::size_t step = 0; step < 6; ++step) {
        const std::size_t i = (step * 5 + number) % 6;
        if (blocks[i] == nullptr) continue;
        REQUIRE(has_pattern(blocks[i], 10 + 40 * i, number + i));
        scratch_free(blocks[i]);
    }
}

void handle(int) {
    const int saved = errno;
    ++handler_calls;
    allocate_in_handler();
    if (handler_keeps) park(24 + handler_calls % 200);
    if (handler_regions && handler_calls % 2 == 0) {
        SCRATCH_REGION("in the handler", handler_calls % 4 == 0 ? SCRATCH_TRUSTED : 0);
        allocate_in_handler();
    }
    errno = saved;
}

void start_storm(void (*handler)(int), int flags = 0, int microseconds = 50) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART | flags;
    sigaction(SIGALRM, &action, nullptr);
    const itimerval every = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &every, nullptr);
}

void stop_storm() {
    const itimerval never = {};
    setitimer(ITIMER_REAL, &never, nullptr);
    signal(SIGALRM, SIG_IGN);
}

// --- what the main code does
// ---------------------------------------------------------------------------

struct held {
    void *block;
    std::size_t size;
    std::size_t number;
};

class sequence {
public:
    std::size_t next(std::size_t below) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::size_t>(state_ >> 33) % below;
    }

private:
    std::uint64_t state_ = 42;
};

// Pushes, frees and resizes in no order, of what a stack holds.
void main_work(sequence &chance, std::size_t steps) {
    static held blocks[40];
    static std::size_t number = 0;
    for (std::size_t step = 0; step < steps; ++step) {
        held &one = blocks[chance.next(std::size(blocks))];
        if (one.block == nullptr) {
            const std::size_t size = chance.next(20) == 0 ? chance.next(9000) : chance.next(300);
            void *block = push_or_nothing(size);
            if (block == nullptr) continue;
            write_pattern(block, size, ++number);
            one = {block, size, number};
        } else {
            REQUIRE(has_pattern(one.block, one.size, one.number));
            scratch_free(one.block);
            one.block = nullptr;
        }
    }
}

void nested_regions(sequence &chance, int depth) {
    SCRATCH_REGION("nested", chance.next(2) == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
    void *own[8];
    for (std::size_t i = 0; i < 8; ++i) {
        own[i] = push_or_nothing(30 + 10 * i);
        if (own[i] != nullptr) write_pattern(own[i], 30 + 10 * i, i);
    }
    if (depth > 0) nested_regions(chance, depth - 1);
    for (std::size_t i = 0; i < 8; ++i) {
        if (own[i] == nullptr) continue;
        REQUIRE(has_pattern(own[i], 30 + 10 * i, i));
        scratch_free(own[i]);
    }
}

void storm(bool keeps, bool regions, int flags) {
    scratch_begins = start_of_scratch_memory();
    handler_keeps = keeps;
    handler_regions = regions;
    sequence chance;
    main_work(chance, 1000);
    start_storm(handle, flags);
    const std::size_t wanted = 4000;
    for (int turn = 0; handler_calls < wanted; ++turn) {
        main_work(chance, 500);
        if (!keeps) nested_regions(chance, 4);
    }
    stop_storm();
    main_work(chance, 1000);
    REQUIRE(handler_pushes > wanted); // most find the shim at rest
}

SCENARIO(balanced) {
    storm(false, false, 0);
    return 0;
}
SCENARIO(balanced_in_regions) {
    storm(false, true, 0);
    return 0;
}
SCENARIO(unbalanced) {
    storm(true, true, 0);
    return 0;
}
SCENARIO(plain) {
    start_of_scratch_memory();
    SCRATCH_REGION("plain");
    plain_calls = true;
    storm(false, false, 0);
    return 0;
}
SCENARIO(plain_unbalanced) {
    start_of_scratch_memory();
    SCRATCH_REGION("plain");
    plain_calls = true;
    storm(true, false, 0);
    return 0;
}
SCENARIO(on_alternate_stack) {
    stack_t stack = {};
    stack.ss_size = 256 << 10;
    stack.ss_sp =
        mmap(nullptr, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(sigaltstack(&stack, nullptr) == 0);
    storm(true, true, SA_ONSTACK);
    return 0;
}

class handlers : public testing::TestWithParam<const char *> {};

TEST_P(handlers, allocate_while_the_program_does) {
    for (const scenario *wanted : {&balanced, &balanced_in_regions, &unbalanced, &plain,
                                   &plain_unbalanced, &on_alternate_stack}) {
        const outcome result =
            run(*wanted, {.mode = GetParam(), .environment = {"SCRATCH_BUDGET=1G"}});
        EXPECT_TRUE(result.exited_with(0)) << wanted->name << ": " << result.describe();
    }
}

INSTANTIATE_TEST_SUITE_P(modes, handlers, testing::Values("scoped", "adaptive"));

// The blocks of many threads, each with a storm of its own.
SCENARIO(storms_on_many_threads) {
    static std::atomic<bool> finish{false};
    struct sigaction action = {};
    action.sa_handler = [](int) {
        const int saved = errno;
        void *block = push_or_nothing(100);
        if (block != nullptr) {
            write_pattern(block, 100, 1);
            REQUIRE(has_pattern(block, 100, 1));
            scratch_free(block);
        }
        errno = saved;
    };
    sigaction(SIGUSR1, &action, nullptr);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([] {
            while (!finish.load()) {
                SCRATCH_REGION("one");
                void *blocks[10];
                for (std::size_t i = 0; i < 10; ++i)
                    if ((blocks[i] = push_or_nothing(50 * i)) != nullptr)
                        write_pattern(blocks[i], 50 * i, i);
                for (std::size_t i = 0; i < 10; ++i)
                    if (blocks[i] != nullptr) {
                        REQUIRE(has_pattern(blocks[i], 50 * i, i));
                        scratch_free(blocks[i]);
                    }
            }
        });
    for (int i = 0; i < 5000; ++i)
        pthread_kill(threads[static_cast<std::size_t>(i) % 3].native_handle(), SIGUSR1);
    finish.store(true);
    for (std::thread &thread : threads)
        thread.join();
    return 0;
}

TEST(handler, serves_each_thread) {
    const outcome result = run(storms_on_many_threads);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// --- jumps out of handlers
// -----------------------------------------------------------------------------

sigjmp_buf away;
std::atomic<int> jumps{0};
volatile sig_atomic_t may_jump = 0;

void jump(int) {
    if (may_jump == 0) return;
    may_jump = 0;
    jumps.fetch_add(1);
    siglongjmp(away, 1);
}

__attribute__((noinline)) void work_until_jump(int depth, std::size_t &turns) {
    char frame[200];
    __asm__ volatile("" : : "r"(frame) : "memory");
    if (depth > 0) work_until_jump(depth - 1, turns);
    for (static volatile bool go_on = true; go_on;) {
        SCRATCH_REGION("interrupted", turns % 2 == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
        void *blocks[10];
        for (std::size_t i = 0; i < 10; ++i) {
            const std::size_t size = i == 7 ? 40000 : 3000 * i;
            blocks[i] = push_or_nothing(size);
            if (blocks[i] != nullptr) write_pattern(blocks[i], 50, i);
        }
        for (std::size_t i = 0; i < 10; ++i)
            if (blocks[i] != nullptr) {
                REQUIRE(has_pattern(blocks[i], 50, i) || i == 0);
                scratch_free(blocks[i]);
            }
        ++turns;
    }
}

SCENARIO(jumped_out) {
    static void *volatile kept[20];
    static std::size_t turns;
    {
        SCRATCH_REGION("kept");
        for (std::size_t i = 0; i < 20; ++i) {
            void *block = malloc(100);
            write_pattern(block, 100, i);
            kept[i] = block;
        }
    }
    start_storm(jump, 0, 200);
    static int round;
    for (round = 0; round < 1500; ++round) {
        if (sigsetjmp(away, 1) == 0) {
            may_jump = 1;
            work_until_jump(round % 5, turns);
        }
        // Back at a shallower place: the program goes on as if nothing had been interrupted.
        SCRATCH_REGION("after");
        void *block = push_or_nothing(100);
        if (block != nullptr) {
            write_pattern(block, 100, 77);
            REQUIRE(has_pattern(block, 100, 77));
            scratch_free(block);
        }
    }
    stop_storm();
    for (std::size_t i = 0; i < 20; ++i) {
        REQUIRE(has_pattern(kept[i], 100, i));
        free(kept[i]);
    }
    dprintf(STDOUT_FILENO, "%d %zu", jumps.load(), turns);
    return 0;
}

TEST(handler, may_jump_out_of_the_shim) {
    const outcome result = run(jumped_out, {.environment = {"SCRATCH_BUDGET=1G"}});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
