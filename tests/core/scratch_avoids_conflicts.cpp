// A function that returns results on its caller's stack always finds another one for its scratch
// memory.
#include "made_stack.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

TEST(scratch_avoids_conflicts, with_the_threads_stack_where_nothing_conflicts) {
    EXPECT_EQ(scratch_avoiding(nullptr, 0), scratch_this_thread());
    made_stack other;
    scratch_stack *const conflicts[] = {other};
    EXPECT_EQ(scratch_avoiding(conflicts, 1), scratch_this_thread());
}

TEST(scratch_avoids_conflicts, however_many_there_are) {
    std::vector<scratch_stack *> conflicts;
    for (int turn = 0; turn < 20; ++turn) {
        scratch_stack *const found = scratch_avoiding(conflicts.data(), conflicts.size());
        for (const scratch_stack *conflict : conflicts)
            EXPECT_NE(found, conflict);
        scratch_push(found, 100, 8);
        conflicts.push_back(found);
    }
    EXPECT_EQ(std::set<scratch_stack *>(conflicts.begin(), conflicts.end()).size(), 20U);
    // They are kept: the same question has the same answer.
    for (std::size_t count = 0; count < 20; ++count) {
        EXPECT_EQ(scratch_avoiding(conflicts.data(), count), conflicts[count]);
    }
    for (scratch_stack *const stack : conflicts)
        scratch_restore(stack, 0);
}

TEST(scratch_avoids_conflicts, on_each_thread_with_stacks_of_its_own) {
    scratch_stack *const mine = scratch_this_thread();
    scratch_stack *const second = scratch_avoiding(&mine, 1);
    std::thread([=] {
        scratch_stack *const theirs = scratch_this_thread();
        EXPECT_NE(theirs, mine);
        scratch_stack *const further = scratch_avoiding(&theirs, 1);
        EXPECT_NE(further, theirs);
        EXPECT_NE(further, mine);
        EXPECT_NE(further, second);
    }).join();
}

// The use it is there for: each level returns on the stack that it is given.
char *repeat(scratch_stack *results, int depth) {
    scratch_stack *const scratch = scratch_avoiding(&results, 1);
    SCRATCH_SCOPE(scratch);
    if (depth == 0) return scratch_strdup(results, "x");
    const char *const half = repeat(scratch, depth - 1);
    return scratch_printf(results, "%s%s", half, half);
}

TEST(scratch_avoids_conflicts, so_that_results_outlive_the_scratch_of_their_maker) {
    made_stack results;
    EXPECT_EQ(std::string(repeat(results, 10)), std::string(1024, 'x'));
    EXPECT_EQ(std::string(repeat(scratch_this_thread(), 10)), std::string(1024, 'x'));
    scratch_restore(scratch_this_thread(), 0);
}

} // namespace
