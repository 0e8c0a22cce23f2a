// One file per object format (caller_of_site_elf.cpp, caller_of_site_darwin.cpp).
#pragma once

#include <cstdint>

namespace scratch::shim {

// The address in the code of some object whose low half that is; 0 if there is none.
std::uintptr_t caller_of_site(std::uint32_t site) noexcept;

} // namespace scratch::shim
