// Coroutines that switch stacks themselves: what runs on another stack gets nothing of a trusted
// region here, and no end of a region resets what lives, in whatever order they end.
#include <algorithm>
#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <new>
#include <pthread.h>
#include <scratch/annotate.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coroutine_blocks.hpp"
#include "library.h"
#include "outside.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"
#include "switched_stacks.hpp"

namespace {

// The blocks that the coroutine takes while `call` is on the stack live on.
void expect_blocks_to_live(void (*call)(void *), char *stack) {
    start_of_scratch_memory();
    coroutine other(stack, stack_size, keep_blocks);
    for (int i = 0; i < rounds; ++i) {
        call(&other);
        overwrite_scratch();
        const auto *taken = static_cast<const blocks *>(other.kept);
        REQUIRE(taken->are_whole() && !taken->any_is_scratch());
        expect_to_be_outside();
    }
}

void resume_in_trusted(void *other) { trusted_call(resume_inside, other); }

SCENARIO(trusted_region) {
    expect_blocks_to_live(resume_in_trusted, make_stack());
    return 0;
}
SCENARIO(stack_of_static_memory) {
    alignas(64) static char stack[stack_size];
    expect_blocks_to_live(resume_in_trusted, stack);
    return 0;
}
SCENARIO(trusted_region_of_a_thread) {
    pthread_t thread;
    const auto body = [](void *) -> void * {
        expect_blocks_to_live(resume_in_trusted, make_stack());
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, nullptr, body, nullptr) == 0);
    REQUIRE(pthread_join(thread, nullptr) == 0);
    return 0;
}
// A child in the thread's memory calls a trusted function, before the thread itself does: it looks
// like a first thread, whose stack reaches further down.
void trust_in_vfork_child() {
    counted_call([](void *) { free(malloc(1)); }, nullptr);
    const pid_t child = vfork();
    if (child == 0) {
        trusted_call([](void *) {}, nullptr);
        _exit(0);
    }
    int status;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}
// The coroutine's stack stands directly below, or above, the thread's, with nothing between.
template <bool below, bool forks_first = false>
int on_neighbouring_stacks() {
    constexpr std::size_t size = 1 << 20;
    static char *both = make_stack(2 * size);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    REQUIRE(pthread_attr_setstack(&attributes, below ? both + size : both, size) == 0);
    const auto body = [](void *) -> void * {
        start_of_scratch_memory();
        if (forks_first) trust_in_vfork_child();
        expect_blocks_to_live(resume_in_trusted, below ? both + size - stack_size : both + size);
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, &attributes, body, nullptr) == 0);
    REQUIRE(pthread_join(thread, nullptr) == 0);
    return 0;
}
SCENARIO(stack_below_the_threads) { return on_neighbouring_stacks<true>(); }
SCENARIO(stack_below_a_thread_that_forked) { return on_neighbouring_stacks<true, true>(); }
SCENARIO(stack_above_the_threads) { return on_neighbouring_stacks<false>(); }

// A region of any kind inside the trusted one would hand on what lives at its end.
SCENARIO(counted_region_inside) {
    expect_blocks_to_live(
        [](void *other) {
            trusted_call([](void *inner) { counted_call(resume_inside, inner); }, other);
        },
        make_stack());
    return 0;
}
SCENARIO(annotated_region_inside) {
    expect_blocks_to_live(
        [](void *other) {
            trusted_call(
                [](void *inner) {
                    SCRATCH_REGION("inside");
                    resume_inside(inner);
                },
                other);
        },
        make_stack());
    return 0;
}
SCENARIO(trusted_turn_of_a_loop) {
    expect_blocks_to_live(
        [](void *other) {
            counted_call(
                [](void *inner) {
                    trusted_turn();
                    resume_inside(inner);
                    trusted_turn();
                },
                other);
        },
        make_stack());
    return 0;
}

TEST(other_stack, gets_nothing_of_a_trusted_region) {
    expect_success({&trusted_region, &stack_of_static_memory, &trusted_region_of_a_thread,
                    &stack_below_the_threads, &stack_below_a_thread_that_forked,
                    &stack_above_the_threads});
}
TEST(other_stack, gets_nothing_of_what_is_open_inside_a_trusted_region) {
    expect_success({&counted_region_inside, &annotated_region_inside, &trusted_turn_of_a_loop});
}
TEST(other_stack, leaves_the_region_a_trusted_one) {
    const outcome result = run(trusted_region);
    EXPECT_EQ(result.count("escapes"), 0u) << result.describe();
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
}

// The stack is a part of a frame on the thread's own stack: above the region's function, whose
// region is thought over then and given up, or inside it.
SCENARIO(stack_in_an_outer_frame) {
    char stack[stack_size];
    start_of_scratch_memory();
    coroutine other(stack, sizeof stack, keep_blocks);
    for (int i = 0; i < rounds; ++i) {
        void *before = nullptr;
        trusted_call(
            [](void *resumed) {
                resume(resumed);
                memset(malloc(100), 0xdd, 100);
            },
            &other);
        overwrite_scratch();
        REQUIRE(static_cast<const blocks *>(other.kept)->are_whole());
        free(before);
    }
    return 0;
}
SCENARIO(stack_in_an_inner_frame) {
    start_of_scratch_memory();
    for (int i = 0; i < rounds; ++i) {
        trusted_call(
            [](void *) {
                char stack[stack_size];
                coroutine other(stack, sizeof stack, keep_blocks);
                other.resume();
                void *own = malloc(100);
                memset(own, 0xdd, 100);
                REQUIRE(is_scratch(own) && static_cast<const blocks *>(other.kept)->are_whole());
                other.resume();
            },
            nullptr);
        overwrite_scratch();
        expect_to_be_outside();
    }
    return 0;
}
TEST(stack_inside_the_threads, belongs_to_the_frame_that_it_is_in) {
    expect_success({&stack_in_an_outer_frame, &stack_in_an_inner_frame});
}

// A trusted function is suspended there, while the thread goes on below: its end takes nothing back
// of what was allocated meanwhile.
void suspend_in_trusted(coroutine &self) {
    for (;;) {
        trusted_call(
            [](void *argument) {
                auto &inner = *static_cast<coroutine *>(argument);
                blocks mine;
                mine.take();
                inner.yield();
                blocks more;
                more.take();
                REQUIRE(mine.are_whole() && more.are_whole());
            },
            &self);
        self.yield();
    }
}

// Suspends it and lets it end, with blocks taken before and between.
void take_around(void *resumed) {
    auto &other = *static_cast<coroutine *>(resumed);
    blocks before;
    before.take();
    other.resume();
    blocks between;
    between.take();
    other.resume();
    overwrite_scratch();
    REQUIRE(before.are_whole() && between.are_whole());
}

SCENARIO(suspended_in_an_outer_frame) {
    char stack[stack_size];
    start_of_scratch_memory();
    coroutine other(stack, sizeof stack, suspend_in_trusted);
    for (int i = 0; i < rounds; ++i)
        trusted_call(take_around, &other);
    return 0;
}
void overwrite_several_chunks() {
    trusted_call(
        [](void *) {
            for (int block = 0; block < 16; ++block)
                memset(malloc(30000), 0xee, 30000);
        },
        nullptr);
}
SCENARIO(suspended_between_trusted_regions) {
    start_of_scratch_memory();
    for (int i = 0; i < rounds; ++i)
        trusted_call(
            [](void *) {
                char stack[stack_size];
                coroutine other(stack, sizeof stack, suspend_in_trusted);
                blocks outer;
                outer.take();
                other.resume();
                trusted_call(
                    [](void *resumed) {
                        blocks mine;
                        mine.take();
                        resume(resumed);
                        overwrite_several_chunks();
                        REQUIRE(mine.are_whole());
                    },
                    &other);
                REQUIRE(outer.are_whole());
            },
            nullptr);
    return 0;
}
// A loop there turns while the one here is in a turn.
SCENARIO(turns_in_an_outer_frame) {
    char stack[stack_size];
    start_of_scratch_memory();
    const auto body = [](coroutine &self) {
        for (;;) {
            trusted_turn();
            self.yield();
        }
    };
    coroutine other(stack, sizeof stack, body);
    for (int i = 0; i < rounds; ++i) {
        trusted_turn();
        blocks mine;
        mine.take();
        other.resume();
        memset(malloc(1000), 0xdd, 1000);
        REQUIRE(mine.are_whole());
    }
    return 0;
}
TEST(stack_inside_the_threads, ends_no_region_that_the_thread_goes_on_in) {
    expect_success({&suspended_in_an_outer_frame, &suspended_between_trusted_regions,
                    &turns_in_an_outer_frame});
}

} // namespace
