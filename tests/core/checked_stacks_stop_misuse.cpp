// A checked stack stops the program where a rule is broken, and names the stack and the scopes.
#include "made_stack.hpp"

#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

const scratch_options checked{.name = "checked", .reserve = 0, .keep = 0, .flags = SCRATCH_CHECKED};

class misuse_death : public testing::Test {
    void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(misuse_death, by_another_thread) {
    made_stack stack(checked);
    scratch_push(stack, 16, 16);
    const auto elsewhere = [](auto body) { std::thread(body).join(); };
    const char *const story =
        "scratch: stack 'checked' is used by thread [0-9]+, which does not own it";
    EXPECT_DEATH(elsewhere([&] { scratch_push(stack, 16, 16); }), story);
    EXPECT_DEATH(elsewhere([&] { scratch_restore(stack, 0); }), story);
    EXPECT_DEATH(elsewhere([&] { scratch_strdup(stack, "x"); }), story);
    EXPECT_DEATH(elsewhere([&] { SCRATCH_SCOPE(stack); }), story);
    EXPECT_DEATH(elsewhere([&] { scratch_take_over(stack); }), "has not handed it over");
    SCRATCH_SCOPE_NAMED(stack, "request");
    EXPECT_DEATH(elsewhere([&] { scratch_push(stack, 16, 16); }),
                 "its innermost open scope is 'request'");
    scratch_hand_over(stack);
    EXPECT_DEATH(scratch_push(stack, 16, 16), "has not taken it over");
    scratch_take_over(stack);
}

TEST_F(misuse_death, by_scopes_that_end_out_of_order) {
    made_stack stack(checked);
    EXPECT_DEATH(
        {
            scratch_scope outer = scratch_scope_begin(stack, "outer");
            scratch_scope_begin(stack, "inner");
            scratch_scope_end(&outer);
        },
        "scope 'outer' ends on stack 'checked' while scope 'inner' inside it is still open");
}

TEST_F(misuse_death, by_a_mark_under_an_open_scope) {
    made_stack stack(checked);
    EXPECT_DEATH(
        {
            SCRATCH_SCOPE_NAMED(stack, "outer");
            const scratch_mark mark = scratch_save(stack);
            scratch_push(stack, 16, 16);
            SCRATCH_SCOPE_NAMED(stack, "inner");
            scratch_restore(stack, mark);
        },
        "a mark inside scope 'outer' is restored on stack 'checked' while scope 'inner'");
}

TEST_F(misuse_death, by_a_mark_that_was_given_back) {
    made_stack stack(checked);
    EXPECT_DEATH(
        {
            SCRATCH_SCOPE_NAMED(stack, "reader");
            const scratch_mark outer = scratch_save(stack);
            scratch_push(stack, 100, 16);
            const scratch_mark inner = scratch_save(stack);
            scratch_restore(stack, outer);
            scratch_restore(stack, inner);
        },
        "given back already; the innermost open scope is 'reader'");
}

TEST_F(misuse_death, by_a_push_on_an_outer_scope) {
    made_stack stack(checked);
    EXPECT_DEATH(
        {
            scratch_scope outer = scratch_scope_begin(stack, "results");
            scratch_scope inner = scratch_scope_begin(stack, "scratch");
            scratch_scope_push(&inner, 16, 16);
            scratch_scope_push(&outer, 16, 16);
        },
        "push on scope 'results' of stack 'checked' while scope 'scratch' inside it is still open");
    EXPECT_DEATH(
        {
            scratch_scope outer = scratch_scope_begin(stack, "results");
            scratch_scope_begin(stack, "scratch");
            (void)scratch_try_scope_push(&outer, 16, 16);
        },
        "push on scope 'results' of stack 'checked' while scope 'scratch' inside it is still open");
}

// Under a checker every thread's stack is checked, in a debug build too; in others none is.
TEST_F(misuse_death, by_a_thread_that_ends_inside_a_scope_is_told) {
    if (!watched_by_a_checker() && !fills_what_is_given_back)
        GTEST_SKIP() << "only where every stack is checked";
    EXPECT_EXIT(
        {
            std::thread([] {
                scratch_stack *const stack = scratch_this_thread();
                scratch_scope_begin(stack, "left open");
                scratch_push(stack, 16, 16);
                scratch_defer(
                    stack, [](void *) { std::abort(); }, nullptr);
            }).join();
            scratch_trim(scratch_this_thread(), 0);
            std::_Exit(0);
        },
        testing::ExitedWithCode(0),
        "scratch: thread [0-9]+ ended inside scope 'left open'; what its open scopes deferred was "
        "not run");
}

TEST(checked_stacks, work_like_others) {
    made_stack stack(checked);
    void *first[2];
    for (void *&block : first) {
        scratch_scope outer = scratch_scope_begin(stack, "outer");
        scratch_scope_push(&outer, 100, 4096);
        {
            SCRATCH_SCOPE_NAMED(stack, "inner");
            const scratch_mark mark = scratch_save(stack);
            block = scratch_push_zero(stack, 10000, 64);
            for (int at = 0; at < 10000; ++at)
                ASSERT_EQ(static_cast<char *>(block)[at], 0);
            EXPECT_TRUE(scratch_restore(stack, mark));
            block = scratch_resize(stack, scratch_push(stack, 100, 64), 100, 100000, 64);
            EXPECT_TRUE(scratch_pop(stack, block, 100000));
        }
        scratch_scope_end(&outer);
    }
    EXPECT_EQ(first[0], first[1]);
    EXPECT_EQ(scratch_stats(stack).used, 0U);
}

TEST(checked_stacks, overwrite_what_is_given_back) {
    if (watched_by_a_checker()) GTEST_SKIP() << "a checker forbids the look";
    made_stack stack(checked);
    scratch_push(stack, 16, 16);
    const scratch_mark mark = scratch_save(stack);
    auto *const block = static_cast<unsigned char *>(scratch_push(stack, 100, 16));
    std::memset(block, 1, 100);
    auto *const above = static_cast<unsigned char *>(scratch_push(stack, 100, 16));
    std::memset(above, 1, 100);
    EXPECT_TRUE(scratch_pop(stack, above, 100));
    EXPECT_EQ(above[99], 0xDD);
    EXPECT_EQ(block[99], 1);
    scratch_restore(stack, mark);
    EXPECT_EQ(block[0], 0xDD);
    EXPECT_EQ(block[99], 0xDD);
}

TEST(checked_stacks, of_a_child_belong_to_the_thread_that_forked) {
    made_stack stack(checked);
    scratch_push(stack, 16, 16);
    EXPECT_EXIT(
        {
            scratch_push(stack, 16, 16);
            std::_Exit(0);
        },
        testing::ExitedWithCode(0), "");
}

} // namespace
