#include "shim/route/adaptive.hpp"

#include "shim/next/next.hpp"
#include "shim/route/samples.hpp"

namespace scratch::shim {

void sample_freed(const block &) noexcept {}
malloc_function adaptive_malloc() noexcept { return next.malloc; }
malloc_function adaptive_new() noexcept { return entries.operator_new; }

} // namespace scratch::shim
