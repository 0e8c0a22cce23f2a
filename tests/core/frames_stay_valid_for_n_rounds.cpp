// The blocks of frame k are there until frame k + N begins.
#include "made_stack.hpp"

#include <cerrno>
#include <cstring>
#include <deque>

namespace {

class frames_of : public testing::TestWithParam<std::size_t> {};

TEST_P(frames_of, stay_valid_until_their_stack_comes_round) {
    const std::size_t count = GetParam();
    scratch_frames *const frames = scratch_frames_create(count, nullptr);
    ASSERT_NE(frames, nullptr);
    struct block {
        unsigned char *start;
        unsigned char fill;
    };
    std::deque<block> alive;
    for (int turn = 0; turn < 50; ++turn) {
        if (alive.size() == count) alive.pop_front();
        scratch_stack *const stack = scratch_frames_begin(frames);
        ASSERT_NE(stack, nullptr);
        auto *const start = static_cast<unsigned char *>(scratch_push(stack, 5000, 16));
        std::memset(start, turn, 5000);
        alive.push_back({start, static_cast<unsigned char>(turn)});
        for (const block &each : alive) {
            for (int index = 0; index < 5000; ++index)
                ASSERT_EQ(each.start[index], each.fill) << turn;
        }
    }
    scratch_frames_destroy(frames);
}
INSTANTIATE_TEST_SUITE_P(counts, frames_of, testing::Values(1, 2, 3, 17));

TEST(frames, run_what_was_deferred_when_they_come_round_and_when_they_end) {
    scratch_frames *const frames = scratch_frames_create(2, nullptr);
    int runs = 0;
    const auto count = [](void *argument) { ++*static_cast<int *>(argument); };
    scratch_defer(scratch_frames_begin(frames), count, &runs);
    scratch_defer(scratch_frames_begin(frames), count, &runs);
    EXPECT_EQ(runs, 0);
    scratch_frames_begin(frames);
    EXPECT_EQ(runs, 1);
    scratch_frames_destroy(frames);
    EXPECT_EQ(runs, 2);
}

TEST(frames, of_no_or_too_many_stacks_are_refused) {
    errno = 0;
    EXPECT_EQ(scratch_frames_create(0, nullptr), nullptr);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(scratch_frames_create(SIZE_MAX, nullptr), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(scratch_frames_create(SIZE_MAX / 8, nullptr), nullptr);
    EXPECT_EQ(scratch_frames_create(100000, nullptr), nullptr) << "16 GiB each: not on 47 bits";
    scratch_frames_destroy(nullptr);
}

TEST(frames, begin_with_an_empty_stack) {
    scratch_frames *const frames = scratch_frames_create(4, nullptr);
    void *first[4];
    for (int turn = 0; turn < 12; ++turn) {
        void *const block = scratch_push(scratch_frames_begin(frames), 1000, 16);
        if (turn < 4) first[turn] = block;
        EXPECT_EQ(block, first[turn % 4]) << turn;
    }
    scratch_frames_destroy(frames);
}

} // namespace
