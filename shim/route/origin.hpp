// Where a call comes from.
#pragma once

#include <cstdint>

namespace scratch::shim {

struct origin {
    std::uintptr_t caller; // the return address
    std::uintptr_t
        frame; // the stack pointer at the call: the same however the called function is compiled
};

} // namespace scratch::shim

// The origin of the function in whose body it stands.
#define SCRATCH_ORIGIN                                                                             \
    (scratch::shim::origin{reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)),          \
                           reinterpret_cast<std::uintptr_t>(__builtin_dwarf_cfa())})
