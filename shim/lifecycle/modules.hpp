// Objects that are loaded while the program runs.
#pragma once

namespace scratch::shim {

using dlopen_function = void *(*)(const char *, int);

// Notes what a dlopen with these flags means for the shim, and returns libc's dlopen.
dlopen_function note_dlopen(int flags) noexcept;

} // namespace scratch::shim
