// What the systems' libcs do differently, where a word decides.
#pragma once

#include <cstdlib> // __GLIBC__

namespace scratch::shim {

// realloc(p, 0): glibc frees and returns null; musl and macOS give a block of no bytes.
#ifdef __GLIBC__
inline constexpr bool realloc_to_zero_frees = true;
#else
inline constexpr bool realloc_to_zero_frees = false;
#endif

} // namespace scratch::shim
