// Random sequences of all operations do exactly what a stack of plain arithmetic does.
#include "tests/fuzz/stack_model.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

void run_random(unsigned seed, std::size_t reserve, unsigned flags) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> bytes(6000);
    for (std::uint8_t &byte : bytes)
        byte = static_cast<std::uint8_t>(random());
    stack_model::model model(reserve, flags);
    model.run(stack_model::choices(bytes));
}

TEST(agrees_with_a_plain_model, on_a_roomy_stack) {
    for (unsigned seed = 0; seed < 100; ++seed)
        run_random(seed, std::size_t{64} << 20, 0);
}

TEST(agrees_with_a_plain_model, on_a_stack_that_is_often_full) {
    for (unsigned seed = 0; seed < 100; ++seed)
        run_random(seed, std::size_t{256} << 10, 0);
}

TEST(agrees_with_a_plain_model, on_a_checked_stack) {
    for (unsigned seed = 0; seed < 50; ++seed)
        run_random(seed, std::size_t{4} << 20, SCRATCH_CHECKED);
}

} // namespace
