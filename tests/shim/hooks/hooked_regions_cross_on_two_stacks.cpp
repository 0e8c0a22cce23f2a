// Hooked regions on the thread's stack and on another one, open at the same time and ended in any
// order: no end resets what lives, and each ends its own.
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <pthread.h>

#include "coroutine_blocks.hpp"
#include "library.h"
#include "outside.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"
#include "switched_stacks.hpp"

namespace {

using hooked_call = void(callback *, void *);

template <hooked_call *call>
void keep_blocks_in_regions(coroutine &self) {
    for (;;)
        call(
            [](void *argument) {
                auto &inner = *static_cast<coroutine *>(argument);
                blocks mine;
                inner.kept = &mine;
                mine.take();
                inner.yield();
                REQUIRE(mine.are_whole());
                mine.give_back();
            },
            &self);
}

// Opened here, opened there, ended here, ended there.
template <hooked_call *here, hooked_call *there>
int cross_regions() {
    start_of_scratch_memory();
    coroutine other(make_stack(), stack_size, keep_blocks_in_regions<there>);
    for (int i = 0; i < rounds; ++i) {
        here(
            [](void *resumed) {
                blocks mine;
                mine.take();
                resume(resumed);
                REQUIRE(mine.are_whole());
                blocks more;
                more.take();
                REQUIRE(mine.are_whole() && more.are_whole());
            },
            &other);
        overwrite_scratch();
        REQUIRE(static_cast<const blocks *>(other.kept)->are_whole());
        other.resume(); // to its end, and into the next region
        overwrite_scratch();
        REQUIRE(static_cast<const blocks *>(other.kept)->are_whole());
        // What is taken here while that one is open outlives it.
        blocks outside;
        outside.take();
        other.resume();
        overwrite_scratch();
        REQUIRE(outside.are_whole());
        outside.give_back();
    }
    return 0;
}
SCENARIO(trusted_and_trusted) { return cross_regions<trusted_call, trusted_call>(); }
SCENARIO(trusted_and_counted) { return cross_regions<trusted_call, counted_call>(); }
SCENARIO(counted_and_trusted) { return cross_regions<counted_call, trusted_call>(); }
SCENARIO(crossed_in_a_thread) {
    pthread_t thread;
    const auto body = [](void *) -> void * {
        cross_regions<trusted_call, trusted_call>();
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, nullptr, body, nullptr) == 0);
    REQUIRE(pthread_join(thread, nullptr) == 0);
    return 0;
}
TEST(regions_of_two_stacks, never_reset_what_lives) {
    expect_success(
        {&trusted_and_trusted, &trusted_and_counted, &counted_and_trusted, &crossed_in_a_thread});
}

// Blocks that outlive a region there, which stands in one here.
SCENARIO(escaping_there) {
    start_of_scratch_memory();
    const auto body = [](coroutine &self) {
        for (;;) {
            counted_call(
                [](void *argument) {
                    void *&kept = static_cast<coroutine *>(argument)->kept;
                    kept = malloc(100);
                    write_pattern(kept, 100, 3);
                },
                &self);
            self.yield();
            REQUIRE(has_pattern(self.kept, 100, 3));
            free(self.kept);
        }
    };
    coroutine other(make_stack(), stack_size, body);
    for (int i = 0; i < rounds; ++i) {
        trusted_call(resume_inside, &other);
        overwrite_scratch();
        REQUIRE(has_pattern(other.kept, 100, 3));
    }
    return 0;
}
TEST(regions_of_two_stacks, leave_what_escapes_to_nobody) { expect_success({&escaping_there}); }

SCENARIO(turns_there) {
    start_of_scratch_memory();
    const auto body = [](coroutine &self) {
        for (;;) {
            trusted_turn();
            void *kept = self.kept = malloc(100);
            write_pattern(kept, 100, 4);
            self.yield();
            trusted_turn();
            REQUIRE(has_pattern(kept, 100, 4));
            free(kept);
        }
    };
    coroutine other(make_stack(), stack_size, body);
    for (int i = 0; i < rounds; ++i) {
        trusted_turn();
        void *mine = malloc(100);
        REQUIRE(is_scratch(mine));
        write_pattern(mine, 100, 5);
        other.resume();
        memset(malloc(100), 0xdd, 100);
        REQUIRE(has_pattern(mine, 100, 5) && has_pattern(other.kept, 100, 4));
    }
    return 0;
}
TEST(turn_on_another_stack, ends_none_here) { expect_success({&turns_there}); }

// --- exceptions past regions of other stacks ----------------------------------------------------

SCENARIO(thrown_past) {
    start_of_scratch_memory();
    coroutine other(make_stack(), stack_size, keep_blocks_in_regions<counted_call>);
    for (int i = 0; i < rounds; ++i) {
        try {
            counted_call(
                [](void *resumed) {
                    resume(resumed);
                    throw 1;
                },
                &other);
            REQUIRE(false);
        } catch (int) {
            expect_to_be_outside();
        }
        REQUIRE(static_cast<const blocks *>(other.kept)->are_whole());
        other.resume();
        other.resume();
    }
    return 0;
}
TEST(exception, ends_the_region_that_it_leaves_and_not_the_innermost) {
    expect_success({&thrown_past});
}

} // namespace
