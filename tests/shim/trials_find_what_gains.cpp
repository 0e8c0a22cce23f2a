// A trial says that routing gains where it does, that it does not where it does not, and nothing
// else by accident.
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <random>

#include "shim/route/trial.hpp"

using scratch::shim::trial;
using scratch::shim::verdict;

namespace {

constexpr std::uint64_t calls = 16384;

struct judgement {
    verdict said;
    std::uint32_t windows;
};

// `cost` gives nanoseconds per call of window number N, with routing or without.
judgement run_trial(const std::function<double(std::uint32_t, bool)> &cost) {
    trial tried;
    for (std::uint32_t window = 0;; ++window) {
        const double nanoseconds = cost(window, tried.routes()) * static_cast<double>(calls);
        const verdict said = tried.end_window(static_cast<std::uint64_t>(nanoseconds), calls);
        if (said != verdict::undecided) return {said, window + 1};
        if (window > 1000) return {said, window};
    }
}

TEST(trials, see_a_gain_without_noise_in_half_of_their_windows) {
    const judgement judged =
        run_trial([](std::uint32_t, bool routed) { return routed ? 90 : 100; });
    EXPECT_EQ(judged.said, verdict::gains);
    EXPECT_EQ(judged.windows, trial::most_pairs);
}

TEST(trials, see_a_loss) {
    const judgement judged =
        run_trial([](std::uint32_t, bool routed) { return routed ? 103 : 100; });
    EXPECT_EQ(judged.said, verdict::does_not_gain);
}

TEST(trials, call_no_difference_no_gain) {
    const judgement judged = run_trial([](std::uint32_t, bool) { return 100; });
    EXPECT_EQ(judged.said, verdict::does_not_gain);
    EXPECT_EQ(judged.windows, 2 * trial::most_pairs);
}

TEST(trials, favour_neither_side_of_a_program_that_slows_down) {
    for (const double slope : {-0.5, 0.5, 3.0}) {
        const judgement judged =
            run_trial([slope](std::uint32_t window, bool) { return 300 + slope * window; });
        EXPECT_EQ(judged.said, verdict::does_not_gain) << slope;
    }
}

TEST(trials, are_seldom_misled_by_noise) {
    std::mt19937 random(1);
    std::lognormal_distribution<double> noise(0, 0.1);
    int misled = 0;
    int found = 0;
    for (int i = 0; i < 1000; ++i) {
        misled += run_trial([&](std::uint32_t, bool) { return 100 * noise(random); }).said ==
                  verdict::gains;
        found += run_trial([&](std::uint32_t, bool routed) {
                     return (routed ? 90 : 100) * noise(random);
                 }).said == verdict::gains;
    }
    EXPECT_LE(misled, 80);
    EXPECT_GE(found, 900);
}

TEST(trials, leave_single_accidents_out) {
    const judgement judged = run_trial([](std::uint32_t window, bool routed) {
        if (window == 5 || window == 20) return 5000.0;
        return routed ? 90.0 : 100.0;
    });
    EXPECT_EQ(judged.said, verdict::gains);
}

// A clock that does not answer, a window without calls.
TEST(trials, do_not_take_nothing_for_a_gain) {
    trial tried;
    verdict said = verdict::undecided;
    for (int i = 0; i < 200 && said == verdict::undecided; ++i)
        said = tried.end_window(0, 0);
    EXPECT_EQ(said, verdict::does_not_gain);
}

TEST(trials, count_per_call) {
    const judgement judged = run_trial([](std::uint32_t, bool) { return 100; });
    trial tried;
    verdict said = verdict::undecided;
    while (said == verdict::undecided) {
        // Fewer calls in windows with routing, in proportion to their time.
        const std::uint64_t made = tried.routes() ? calls / 4 : calls;
        said = tried.end_window(made * 100, made);
    }
    EXPECT_EQ(said, judged.said);
}

} // namespace
