// The variable that names the objects which the loader takes into each program.
#pragma once

#include <string_view>

namespace scratch::shim {

#ifdef __APPLE__
inline constexpr char preload_variable[] = "DYLD_INSERT_LIBRARIES";
inline constexpr std::string_view preload_separators = ":";
#else
inline constexpr char preload_variable[] = "LD_PRELOAD";
inline constexpr std::string_view preload_separators = " :";
#endif

} // namespace scratch::shim
