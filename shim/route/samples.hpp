// The nursery of adaptive mode: single calls out of many are put on the stack to see how long their
// blocks live.
#pragma once

#include "shim/heap/block.hpp"

namespace scratch::shim {

// A sampled block is freed by its owner: its site is credited with a block that lived as long as it
// did.
void sample_freed(const block &freed) noexcept;

} // namespace scratch::shim
