// A restore gives everything above its mark back; the same pushes then give the same addresses.
#include "made_stack.hpp"

#include <cstdint>
#include <thread>
#include <vector>

namespace {

static_assert(sizeof(scratch_mark) == sizeof(void *), "a mark is one word");

TEST(restore_goes_back, to_the_same_addresses) {
    made_stack stack;
    scratch_push(stack, 40, 8);
    const scratch_mark mark = scratch_save(stack);
    std::vector<void *> first;
    std::vector<void *> second;
    for (std::vector<void *> *blocks : {&first, &second}) {
        for (std::size_t size = 0; size < 5000; size += 37) {
            blocks->push_back(scratch_push(stack, size, std::size_t{1} << size % 13));
        }
        EXPECT_TRUE(scratch_restore(stack, mark));
        EXPECT_EQ(scratch_save(stack), mark);
    }
    EXPECT_EQ(first, second);
}

TEST(restore_goes_back, through_marks_taken_on_the_way_in_any_depth) {
    made_stack stack;
    std::vector<scratch_mark> marks;
    for (int depth = 0; depth < 100; ++depth) {
        marks.push_back(scratch_save(stack));
        scratch_push(stack, static_cast<std::size_t>(depth) * 100, depth % 2 == 0 ? 16 : 256);
    }
    for (std::size_t depth = 100; depth-- > 50;)
        EXPECT_TRUE(scratch_restore(stack, marks[depth]));
    EXPECT_TRUE(scratch_restore(stack, marks[3]));
    EXPECT_EQ(scratch_save(stack), marks[3]);
}

TEST(restore_goes_back, to_a_mark_from_before_the_threads_first_push) {
    std::thread([] {
        scratch_stack *const stack = scratch_this_thread();
        const scratch_mark mark = scratch_save(stack);
        EXPECT_TRUE(scratch_restore(stack, mark)) << "nothing to give back is fine";
        void *const block = scratch_push(stack, 100, 8);
        EXPECT_TRUE(scratch_restore(stack, mark));
        EXPECT_FALSE(scratch_owns(stack, block));
        EXPECT_EQ(scratch_push(stack, 100, 8), block);
    }).join();
}

TEST(restore_goes_back, but_never_up) {
    made_stack stack;
    if (watched_by_a_checker() || fills_what_is_given_back) {
        GTEST_SKIP() << "checked stacks stop the program (checked_stacks_stop_misuse)";
    }
    scratch_push(stack, 64, 16);
    const scratch_mark outer = scratch_save(stack);
    scratch_push(stack, 64, 16);
    const scratch_mark inner = scratch_save(stack);
    EXPECT_TRUE(scratch_restore(stack, outer));
    EXPECT_FALSE(scratch_restore(stack, inner)) << "given back already";
    EXPECT_EQ(scratch_save(stack), outer);
    EXPECT_FALSE(scratch_restore(stack, UINTPTR_MAX));
    EXPECT_EQ(scratch_save(stack), outer);
}

void returns_early(scratch_stack *stack, int way, scratch_mark *inside) {
    SCRATCH_SCOPE(stack);
    scratch_push(stack, 1000, 8);
    *inside = scratch_save(stack);
    for (;;) {
        SCRATCH_SCOPE_NAMED(stack, "loop");
        scratch_push(stack, 100000, 64);
        if (way == 0) break;
        if (way == 1) return;
        if (way == 2) goto out;
        if (way == 3) throw 3;
    }
out:
    EXPECT_EQ(scratch_save(stack), *inside) << "the inner scope ended";
}

TEST(restore_goes_back, at_the_end_of_a_scope_on_every_way_out) {
    made_stack stack;
    scratch_push(stack, 100, 8);
    const scratch_mark before = scratch_save(stack);
    for (int way = 0; way < 4; ++way) {
        scratch_mark inside = 0;
        try {
            returns_early(stack, way, &inside);
        } catch (int) {
            EXPECT_EQ(way, 3);
        }
        EXPECT_GT(inside, before);
        EXPECT_EQ(scratch_save(stack), before) << way;
    }
}

} // namespace
