// The malloc family and the C++ operators of mode check, in the places where the shim looks for
// those of the next allocator.
#pragma once

namespace scratch::shim::check {

void take_over_family() noexcept;
void take_over_operators() noexcept;

} // namespace scratch::shim::check
