// dlerror tells of the program's own calls, whatever the shim looks up in between.
#include <gtest/gtest.h>
#include <string>

#include "scenario.hpp"

namespace {

TEST(dlerror, tells_what_it_tells_without_the_shim) {
    const std::string host = SCRATCH_HOSTS "/pending_error_host";
    conditions under{.preload = false,
                     .statistics = false,
                     .program = SCRATCH_HOSTS "/pending_error_host",
                     .arguments = {SCRATCH_PLUGINS "/one_new.so"}};
    const outcome bare = run_program(under);
    ASSERT_TRUE(bare.exited_with(0)) << bare.describe();
    ASSERT_NE(bare.output.find("no_such_symbol_0"), std::string::npos) << bare.describe();
    under.preload = true;
    for (const char *mode : {"off", "scoped", "adaptive"}) {
        under.mode = mode;
        const outcome result = run_program(under);
        ASSERT_TRUE(result.exited_with(0)) << mode << result.describe();
        EXPECT_EQ(result.output, bare.output) << mode;
    }
}

} // namespace
