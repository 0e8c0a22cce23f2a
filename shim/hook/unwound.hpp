// The frame of a hooked call that an unwinder passes.
#pragma once

#include "shim/hook/frame.hpp"

namespace scratch::shim {

// `context` is the unwinder's, `unwinder` an address in it: of several in one process each knows
// its own contexts only. Null where it exports nothing to ask it by (linked into the program).
const hook_frame *unwound_frame(void *context, const void *unwinder) noexcept;

} // namespace scratch::shim
