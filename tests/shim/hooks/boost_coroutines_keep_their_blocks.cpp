// Boost.Context's fibers, which switch stacks by their own assembly, run through trusted hooked
// regions: begun outside and inside of them, resumed there, destroyed there.
#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "library.h"
#include "outside.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

using boost::context::fiber;

// What a fiber has on its own stack and what it allocated must be as it left it.
struct guest {
    std::vector<std::string> lines;
    fiber running;

    template <typename Stack>
    void start(Stack stack) {
        running = fiber(std::allocator_arg, stack, [this](fiber &&resumer) {
            for (int i = 0;; ++i) {
                trusted_call([](void *) { memset(malloc(200), 0xdd, 200); }, nullptr);
                lines.push_back("a line that is longer than short ones, " + std::to_string(i));
                resumer = std::move(resumer).resume();
            }
            return std::move(resumer);
        });
    }
    void resume() { running = std::move(running).resume(); }
    bool is_whole() const {
        for (std::size_t i = 0; i < lines.size(); ++i)
            if (lines[i] != "a line that is longer than short ones, " + std::to_string(i))
                return false;
        return true;
    }
};

template <typename Stack>
void run_fibers() {
    start_of_scratch_memory();
    guest guests[3];
    for (guest &each : guests)
        each.start(Stack(128 * 1024));
    for (int i = 0; i < 200; ++i) {
        for (guest &each : guests)
            trusted_call([](void *resumed) { static_cast<guest *>(resumed)->resume(); }, &each);
        overwrite_scratch();
        for (const guest &each : guests)
            REQUIRE(each.is_whole() && each.lines.size() == static_cast<std::size_t>(i) + 1);
        expect_to_be_outside();
    }
    // Unwound by an exception of Boost's, each inside a region.
    for (guest &each : guests)
        trusted_call([](void *left) { static_cast<guest *>(left)->running = fiber(); }, &each);
    overwrite_scratch();
    for (const guest &each : guests)
        REQUIRE(each.is_whole());
}

SCENARIO(fibers_on_stacks_from_malloc) {
    run_fibers<boost::context::fixedsize_stack>();
    return 0;
}
SCENARIO(fibers_on_mapped_stacks) {
    run_fibers<boost::context::protected_fixedsize_stack>();
    return 0;
}

TEST(boost_fiber, keeps_its_blocks_whatever_region_it_is_resumed_in) {
    for (const bool counted : {false, true})
        for (const scenario *body : {&fibers_on_stacks_from_malloc, &fibers_on_mapped_stacks}) {
            const outcome result = run(*body, {.statistics = counted});
            EXPECT_TRUE(result.exited_with(0)) << body->name << ": " << result.describe();
        }
}

} // namespace
