// macOS: what the library of a language's runtime makes in a trusted region outlives that, since
// the runtime keeps it (descriptions of types, tables), whoever happened to call it first.
#include <cstdlib>
#include <gtest/gtest.h>

#include "scenario.hpp"
#include "scratch_memory.hpp"

extern "C" void *make_for_runtime(std::size_t size);

namespace {

SCENARIO(made_by_a_runtime) {
    start_of_scratch_memory();
    void *kept = nullptr;
    {
        SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
        REQUIRE(is_scratch(malloc(100)));
        kept = make_for_runtime(100);
        REQUIRE(!is_scratch(kept));
        write_pattern(kept, 100, 1);
    }
    {
        // There nothing is reset that was not freed.
        SCRATCH_REGION("counted");
        free(make_for_runtime(100));
    }
    REQUIRE(has_pattern(kept, 100, 1));
    free(kept);
    return 0;
}

TEST(runtime, keeps_what_it_made) {
    const outcome result = run(made_by_a_runtime);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
