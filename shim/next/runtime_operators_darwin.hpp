// The C++ runtime's operators by names of our own: what they are bound to when this object is
// loaded, libc++'s.
#pragma once

#include "shim/next/operators.hpp"

namespace scratch::shim {

#define SCRATCH_DECLARE(name, mangled, result, parameters)                                         \
    extern "C" result scratch_runtime_##name parameters __asm__("_" mangled);
SCRATCH_OPERATORS(SCRATCH_DECLARE)
#undef SCRATCH_DECLARE

} // namespace scratch::shim
