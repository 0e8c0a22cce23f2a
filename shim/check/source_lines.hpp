// Source lines by addr2line of the binutils, where it is installed.
#pragma once

#include <span>

#include "shim/check/names.hpp"

namespace scratch::shim::check {

// Fills function, file and line of those places that are in `module`.
void find_source_lines(const char *module, std::span<place_name> places) noexcept;

} // namespace scratch::shim::check
