// Where counters lie if XDG_RUNTIME_DIR names no folder of this user.
#pragma once

namespace scratch::shim {

// A folder in which nobody else can remove a file of ours, or null. Asked at start first.
const char *common_folder() noexcept;

} // namespace scratch::shim
