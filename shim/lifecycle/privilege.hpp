// One file per system (privilege_linux.cpp, privilege_darwin.cpp).
#pragma once

namespace scratch::shim {

// Whether the process runs with rights that its user does not have.
bool is_privileged() noexcept;

} // namespace scratch::shim
