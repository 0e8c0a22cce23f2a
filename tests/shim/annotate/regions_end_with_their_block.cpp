// Every way out of a block leaves its region once, in the reverse order of entering; in C and in
// C++.
#include "c_scopes.h"
#include "recorder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <type_traits>

// The linker sends every free of this program here (--wrap).
static void *last_freed = nullptr;
extern "C" {
void __real_free(void *block);
void __wrap_free(void *block);
void __wrap_free(void *block) {
    last_freed = block;
    __real_free(block);
}
}

namespace {

class regions : public testing::Test {
protected:
    regions() { recorder_clear(); }
    static std::string calls() { return recorder_text(); }
};

int returns_early(bool early) {
    SCRATCH_REGION("early");
    if (early) return 1;
    return 0;
}

void throws() {
    SCRATCH_REGION("thrown through");
    throw std::runtime_error("out");
}

struct notes_its_end {
    notes_its_end() = default;
    ~notes_its_end() { scratch_free(nullptr); }
    notes_its_end(const notes_its_end &) = delete;
    notes_its_end &operator=(const notes_its_end &) = delete;
};

TEST_F(regions, end_at_an_early_return) {
    EXPECT_EQ(returns_early(true), 1);
    EXPECT_EQ(c_returns_early(1), 1);
    EXPECT_EQ(calls(),
              "enter early 0 of block = 1\nleave 1\nenter early 0 of block = 2\nleave 2\n");
}

TEST_F(regions, end_when_an_exception_passes) {
    EXPECT_THROW(throws(), std::runtime_error);
    EXPECT_EQ(calls(), "enter thrown through 0 of block = 1\nleave 1\n");
}

TEST_F(regions, end_at_break_continue_and_goto) {
    c_breaks_and_continues();
    EXPECT_EQ(calls(), "enter turn 0 of block = 1\nleave 1\nenter turn 0 of block = 2\nleave 2\n");
    recorder_clear();
    c_goes_back();
    EXPECT_EQ(calls(),
              "enter tried 0 of block = 1\nleave 1\nenter tried 0 of block = 2\nleave 2\n");
}

TEST_F(regions, end_in_reverse_order) {
    const std::string expected = "enter outer 0 of block = 1\nenter same block 1 of block = "
                                 "2\nenter inner block 0 of block = 3\n"
                                 "leave 3\nleave 2\nleave 1\n";
    c_nests();
    EXPECT_EQ(calls(), expected);
    recorder_clear();
    {
        SCRATCH_REGION("outer");
        SCRATCH_REGION("same block", SCRATCH_TRUSTED);
        { SCRATCH_REGION("inner block"); }
    }
    EXPECT_EQ(calls(), expected);
}

TEST_F(regions, outlast_the_objects_declared_after_them) {
    {
        SCRATCH_REGION("around");
        const notes_its_end object;
    }
    EXPECT_EQ(calls(), "enter around 0 of block = 1\nfree of another's\nleave 1\n");
}

TEST_F(regions, stay_where_they_were_made) {
    EXPECT_FALSE(std::is_copy_constructible_v<scratch::region>);
    EXPECT_FALSE(std::is_move_constructible_v<scratch::region>);
    EXPECT_FALSE(std::is_copy_assignable_v<scratch::region>);
    EXPECT_FALSE(std::is_move_assignable_v<scratch::region>);
}

TEST_F(regions, entered_by_hand_are_of_no_block) {
    scratch_region_leave(scratch_region_enter("by hand", SCRATCH_TRUSTED));
    { const scratch::region object("object"); }
    EXPECT_EQ(calls(), "enter by hand 1 = 1\nleave 1\nenter object 0 = 2\nleave 2\n");
}

TEST_F(regions, that_were_not_opened_are_not_left) {
    scratch_region_leave(scratch_region_token{0});
    EXPECT_EQ(calls(), "");
}

TEST_F(regions, last_to_the_end_of_the_block_not_of_the_frame) {
    {
        SCRATCH_REGION("loop");
        for (int turn = 0; turn < 2; turn++) {
            SCRATCH_FRAME("turn", SCRATCH_TRUSTED);
            SCRATCH_FRAME("counted");
        }
    }
    EXPECT_EQ(
        calls(),
        "enter loop 0 of block = 1\nturn turn 1\nturn counted 0\nturn turn 1\nturn counted 0\n"
        "leave 1\n");
}

TEST_F(regions, tagged_calls_fall_back_to_malloc_and_free) {
    void *const ours = scratch_alloc(100);
    void *const another = scratch_alloc(1 << 20);
    ASSERT_NE(another, nullptr);
    last_freed = nullptr;
    scratch_free(ours);
    EXPECT_EQ(last_freed, nullptr);
    scratch_free(another);
    EXPECT_EQ(last_freed, another);
    EXPECT_EQ(calls(), "alloc 100\nalloc 1048576\nfree of ours\nfree of another's\n");
}

TEST_F(regions, tagged_calls_fail_as_malloc_does) {
    errno = 0;
    const volatile std::size_t everything = SIZE_MAX;
    EXPECT_EQ(scratch_alloc(everything), nullptr);
    EXPECT_EQ(errno, ENOMEM);
}

} // namespace
