// The statistics have one line for each caller, whatever the depths of the machine stack at which
// adaptive mode saw it, and say how many samples that line stands on.
#include <cstdlib>
#include <gtest/gtest.h>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.hpp"

namespace {

// One caller at many depths of the machine stack.
[[gnu::noinline]] void allocate_deep(int depth) {
    static void *volatile kept;
    if (depth > 0) {
        allocate_deep(depth - 1);
        asm volatile("");
        return;
    }
    free(const_cast<void *>(kept));
    kept = malloc(40);
}
SCENARIO(one_caller_at_many_depths) {
    for (int i = 0; i < 20000; ++i)
        allocate_deep(i % 19);
    return 0;
}

TEST(statistics, have_one_line_for_one_caller) {
    const outcome result = run(one_caller_at_many_depths, {.mode = "adaptive"});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    const std::string &json = result.reports.at(result.process);
    std::set<std::string> addresses;
    const std::string key = "\"address\":\"";
    for (std::size_t at = 0; (at = json.find(key, at)) != json.npos;) {
        at += key.size();
        const std::string address = json.substr(at, json.find('"', at) - at);
        EXPECT_TRUE(addresses.insert(address).second) << address << " twice in " << json;
    }
    EXPECT_NE(json.find("\"depths\":19}"), json.npos) << json;
    EXPECT_NE(json.find("\"sampled_one_in\":[64,1024]"), json.npos) << json;
}

SCENARIO(child_without_a_call) {
    body_of_one_caller_at_many_depths();
    const pid_t child = fork();
    if (child == 0) exit(0);
    int status = 0;
    return waitpid(child, &status, 0) == child ? status : 1;
}

TEST(statistics, of_a_child_are_not_its_parents) {
    const outcome result = run(child_without_a_call, {.mode = "adaptive"});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    ASSERT_EQ(result.reports.size(), 2u);
    for (const auto &[process, json] : result.reports)
        EXPECT_EQ(json.find("\"sites\":[]") != json.npos, process != result.process) << json;
}

} // namespace
