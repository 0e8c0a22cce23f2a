// The small libSystem keeps macOS's numbers, structures and ways, as far as the programs here look.
#include "runner.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace {

void expect_ok(const std::string &name) {
    const outcome result = run_program(name);
    EXPECT_TRUE(result.exited_with(0) && result.output == "ok\n" && result.error.empty())
        << result.describe();
}

TEST(system, tells_errors_by_number) { expect_ok("errors"); }
TEST(system, maps_and_advises_memory) { expect_ok("memory"); }
TEST(system, sends_signals_by_number) { expect_ok("signals"); }
TEST(system, runs_threads_and_their_locks) { expect_ok("threads"); }
TEST(system, allocates_in_every_way) { expect_ok("allocates"); }
TEST(system, finds_the_zone_of_a_block) { expect_ok("zones"); }

TEST(system, stops_who_frees_what_nobody_knows) {
    const outcome result = run_program("zones", {"free"});
    EXPECT_TRUE(WIFSIGNALED(result.status) && WTERMSIG(result.status) == SIGABRT)
        << result.describe();
    EXPECT_NE(result.error.find("pointer being freed was not allocated"), std::string::npos);
}

} // namespace
