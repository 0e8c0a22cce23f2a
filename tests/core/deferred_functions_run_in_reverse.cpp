// What is deferred runs when the stack goes back below it: once, newest first, with its blocks
// there.
#include "made_stack.hpp"

#include <string>

namespace {

struct note {
    std::string *log;
    const char *text;
};

void write_down(void *argument) {
    const note *const the = static_cast<note *>(argument);
    *the->log += the->text;
}

void defer_note(scratch_stack *stack, std::string *log, const char *text) {
    auto *const the = scratch_push_struct(stack, note);
    *the = {log, text};
    scratch_defer(stack, write_down, the);
}

TEST(deferred_functions, run_in_reverse_and_once) {
    std::string log; // there until the stack has ended
    made_stack stack;
    defer_note(stack, &log, "a");
    const scratch_mark mark = scratch_save(stack);
    defer_note(stack, &log, "b");
    scratch_push(stack, 100, 4096);
    defer_note(stack, &log, "c");
    scratch_push(stack, 100000, 16);
    scratch_restore(stack, scratch_save(stack));
    EXPECT_EQ(log, "");
    EXPECT_TRUE(scratch_restore(stack, mark));
    EXPECT_EQ(log, "cb");
    EXPECT_TRUE(scratch_restore(stack, mark));
    EXPECT_EQ(log, "cb");
    scratch_restore(stack, 0);
    EXPECT_EQ(log, "cba");
}

TEST(deferred_functions, run_at_the_end_of_a_scope_and_of_a_stack) {
    std::string log;
    {
        made_stack stack;
        defer_note(stack, &log, "stack");
        {
            SCRATCH_SCOPE(stack);
            defer_note(stack, &log, "scope ");
        }
        EXPECT_EQ(log, "scope ");
    }
    EXPECT_EQ(log, "scope stack");
}

TEST(deferred_functions, only_above_the_mark) {
    std::string log; // there until the stack has ended
    made_stack stack;
    scratch_mark marks[5];
    for (int index = 0; index < 5; ++index) {
        marks[index] = scratch_save(stack);
        defer_note(stack, &log, index % 2 == 0 ? "e" : "o");
    }
    scratch_restore(stack, marks[3]);
    EXPECT_EQ(log, "eo");
    scratch_restore(stack, marks[2]);
    EXPECT_EQ(log, "eoe");
}

TEST(deferred_functions, find_blocks_that_were_pushed_later) {
    struct list {
        scratch_stack *stack;
        int *items;
        int sum;
        int *result;
    };
    made_stack stack;
    int result = 0;
    auto *const the = scratch_push_struct(stack, list);
    *the = {stack, nullptr, 0, &result};
    scratch_defer(
        stack,
        [](void *argument) {
            auto *const each = static_cast<list *>(argument);
            // Using the stack meanwhile does no harm either.
            int *const more = scratch_push_array(each->stack, int, 1000);
            for (int index = 0; index < 1000; ++index)
                more[index] = 1;
            for (int index = 0; index < 100; ++index)
                *each->result += each->items[index];
        },
        the);
    the->items = scratch_push_array(stack, int, 100);
    for (int index = 0; index < 100; ++index)
        the->items[index] = index;
    scratch_restore(stack, 0);
    EXPECT_EQ(result, 4950);
    const scratch_statistics statistics = scratch_stats(stack);
    EXPECT_EQ(statistics.used, 0U);
}

TEST(deferred_functions, may_defer_and_restore_themselves) {
    struct nested {
        scratch_stack *stack;
        std::string log;
    } the;
    made_stack stack;
    the.stack = stack;
    const scratch_mark mark = scratch_save(stack);
    scratch_defer(
        stack,
        [](void *argument) {
            auto *const outer = static_cast<nested *>(argument);
            outer->log += "outer ";
            {
                SCRATCH_SCOPE(outer->stack);
                defer_note(outer->stack, &outer->log, "scoped ");
            }
            defer_note(outer->stack, &outer->log, "late ");
        },
        &the);
    EXPECT_TRUE(scratch_restore(stack, mark));
    EXPECT_EQ(the.log, "outer scoped late ");
    EXPECT_EQ(scratch_save(stack), mark);
}

TEST(deferred_functions, may_restore_to_an_outer_mark) {
    struct outer_mark {
        scratch_stack *stack;
        scratch_mark mark;
    };
    made_stack stack;
    if (watched_by_a_checker() || fills_what_is_given_back)
        GTEST_SKIP() << "refused by checked stacks";
    outer_mark the{stack, scratch_save(stack)};
    scratch_push(stack, 1000, 16);
    const scratch_mark inner = scratch_save(stack);
    scratch_defer(
        stack,
        [](void *argument) {
            const auto *const outer = static_cast<outer_mark *>(argument);
            scratch_restore(outer->stack, outer->mark);
        },
        &the);
    scratch_restore(stack, inner);
    EXPECT_EQ(scratch_save(stack), the.mark) << "never raised again";
}

} // namespace
