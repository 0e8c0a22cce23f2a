// A block that libc made deep inside and hands to its caller goes to the caller's region.
#pragma once

#include <cstddef>

#include "shim/route/origin.hpp"

namespace scratch::shim {

// The block where it is now: as it was made, where the caller has no region or that has no room.
char *move_to_region(char *made, std::size_t size, origin from) noexcept;
// A string, or null.
char *move_text_to_region(char *made, origin from) noexcept;

} // namespace scratch::shim
