// Mode adaptive: finds by samples which sites' blocks die young, and routes those.
#pragma once

#include "shim/heap/block.hpp"
#include "shim/route/entries.hpp"

namespace scratch::shim {

malloc_function adaptive_malloc() noexcept;
malloc_function adaptive_new() noexcept;

} // namespace scratch::shim
