// libFuzzer: operations on a stack, compared with the plain model.
#include "stack_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *bytes, std::size_t size) {
    if (size == 0) return 0;
    // A small stack is full often, a checked one takes the other paths.
    const std::size_t reserve = bytes[0] % 2 == 0 ? std::size_t{1} << 20 : std::size_t{64} << 10;
    stack_model::model model(reserve, bytes[0] % 8 == 7 ? SCRATCH_CHECKED : 0U);
    model.run(stack_model::choices({bytes + 1, size - 1}));
    return 0;
}
