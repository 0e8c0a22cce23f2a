// A loop that compares each turn with the one before. A turn takes its memory from a frame; with
// two frames what the last turn made is there until the next but one begins. Nothing is freed, and
// nothing is copied to be kept.
//
// Prints:
//   turn 1: 3 birds, 0 of them turned round
//   turn 2: 3 birds, 1 of them turned round
//   turn 3: 3 birds, 1 of them turned round
//   turn 4: 3 birds, 0 of them turned round
//   1000 turns later a frame holds no more than after the first: yes
#include <scratch/scratch.hpp>

#include <cstddef>
#include <cstdio>
#include <span>
#include <string_view>

namespace {

struct bird {
    int place;
    int direction;
};

constexpr int edge = 5;

/// The same birds a turn later, on the stack of the new frame.
std::span<bird> fly(scratch_stack &frame, std::span<const bird> before) {
    const std::span<bird> after = scratch::array_uninit<bird>(frame, before.size());
    for (std::size_t index = 0; index < before.size(); ++index) {
        const auto [place, direction] = before[index];
        const bool turns = place + direction < 0 || place + direction > edge;
        after[index] = {turns ? place : place + direction, turns ? -direction : direction};
    }
    return after;
}

std::string_view describe(scratch_stack &frame, int turn, std::span<const bird> before,
                          std::span<const bird> after) {
    int turned = 0;
    for (std::size_t index = 0; index < before.size(); ++index)
        turned += before[index].direction != after[index].direction ? 1 : 0;
    return scratch::format(frame, "turn %d: %zu birds, %d of them turned round", turn, after.size(),
                           turned);
}

} // namespace

int main() {
    const bird start[] = {{0, 1}, {4, 1}, {2, -1}};
    scratch::frames<2> frames;
    std::span<const bird> last = start;
    std::size_t used_at_first = 0;
    std::size_t used = 0;
    for (int turn = 1; turn <= 1000; ++turn) {
        scratch_stack &frame = frames.begin(); // what the turn before the last one made is gone
        const std::span<const bird> now = fly(frame, last);
        const std::string_view line = describe(frame, turn, last, now);
        if (turn <= 4) std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
        last = now;
        used = scratch_stats(&frame).used;
        if (turn == 1) used_at_first = used;
    }
    std::printf("1000 turns later a frame holds no more than after the first: %s\n",
                used <= used_at_first ? "yes" : "no");
    return 0;
}
