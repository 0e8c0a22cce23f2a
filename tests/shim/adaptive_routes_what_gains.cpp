// Adaptive mode routes a program whose calls gain, and leaves one whose blocks live long, or whose
// sites are few among many, as it was.
#include <cstdlib>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.hpp"

namespace {

constexpr int rounds = 40;
constexpr int calls_a_round = 65536;

SCENARIO(pairs) {
    for (int round = 0; round < rounds; ++round)
        for (int i = 0; i < calls_a_round; ++i)
            free(malloc(40));
    return 0;
}

SCENARIO(long_lived) {
    constexpr std::size_t kept = 4096;
    static void *ring[kept];
    for (int round = 0; round < rounds; ++round)
        for (int i = 0; i < calls_a_round; ++i) {
            void *&place = ring[static_cast<std::size_t>(i) % kept];
            free(place);
            place = malloc(40);
        }
    return 0;
}

// A child that goes on from any moment of its parent's decisions still comes to its own.
SCENARIO(pairs_in_children) {
    for (int child = 0; child < 20; ++child) {
        for (int i = 0; i < calls_a_round / 3; ++i)
            free(malloc(40));
        const pid_t process = fork();
        if (process == 0) {
            body_of_pairs();
            exit(0);
        }
        int status = 0;
        if (waitpid(process, &status, 0) != process || status != 0) return 1;
    }
    return 0;
}

std::string report_of(const outcome &result) { return result.reports.at(result.process); }

TEST(adaptive, routes_what_gains) {
    const outcome result = run(pairs, {.mode = "adaptive"});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GE(result.count("scratch_calls"), std::uint64_t{rounds} * calls_a_round / 2);
    EXPECT_NE(report_of(result).find("\"nothing_gained\":false"), std::string::npos);
}

TEST(adaptive, leaves_a_program_alone_that_gains_nothing) {
    const outcome result = run(long_lived, {.mode = "adaptive"});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_LE(result.count("scratch_calls"), 20000u);
    EXPECT_LE(result.count("chunk_bytes_peak"), 1u << 20);
    EXPECT_NE(report_of(result).find("\"nothing_gained\":true"), std::string::npos);
}

TEST(adaptive, goes_on_deciding_in_children) {
    const outcome result = run(pairs_in_children, {.mode = "adaptive"});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    ASSERT_EQ(result.reports.size(), 21u);
    std::size_t routed = 0;
    for (const auto &[process, report] : result.reports) {
        const std::size_t at = report.find("\"scratch_calls\":");
        ASSERT_NE(at, std::string::npos);
        if (std::stoull(report.substr(at + 16)) > std::uint64_t{rounds} * calls_a_round / 2)
            ++routed;
    }
    EXPECT_GE(routed, 18u);
}

} // namespace
