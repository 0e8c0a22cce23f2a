// With SCRATCH_FOLLOW=0 the program is served and reported, and what it starts finds nothing of the
// shim in its environment: no library, and no variable that is empty or has lost its meaning.
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

SCENARIO(becomes_env) {
    free(malloc(100));
    execl("/usr/bin/env", "env", nullptr);
    return 98;
}

SCENARIO(starts_env) {
    for (int round = 0; round < 100; ++round)
        free(malloc(100));
    fflush(stdout);
    return system("env") == 0 ? 7 : 98;
}

class children_of : public testing::TestWithParam<const char *> {};

TEST_P(children_of, find_no_variable_of_ours) {
    const conditions under{.mode = GetParam(),
                           .environment = {"SCRATCH_FOLLOW=0", "SCRATCH_BUDGET=1M", "KEPT=yes"}};
    for (const scenario &each : {becomes_env, starts_env}) {
        const outcome result = run(each, under);
        EXPECT_TRUE(result.exited_with(std::string(each.name) == "becomes_env" ? 0 : 7))
            << result.describe();
        EXPECT_NE(result.output.find("KEPT=yes\n"), std::string::npos) << result.describe();
        for (const std::string &name : std::vector<std::string>{
                 std::string(preload_variable) + "=", "SCRATCH_MODE=", "SCRATCH_FOLLOW=",
                 "SCRATCH_BUDGET=", "SCRATCH_STATS=", "SCRATCH_OUTPUT="})
            EXPECT_EQ(result.output.find(name), std::string::npos) << name << result.describe();
    }
}

TEST_P(children_of, leave_their_parent_served) {
    const outcome result =
        run(starts_env, {.mode = GetParam(), .environment = {"SCRATCH_FOLLOW=0"}});
    EXPECT_EQ(result.reports.size(), 1u) << result.describe();
    EXPECT_GE(result.count("next_calls") + result.count("scratch_calls"), 100u);
}

INSTANTIATE_TEST_SUITE_P(modes, children_of, testing::Values("scoped", "adaptive"));

} // namespace
