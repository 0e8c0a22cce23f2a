// Objects that are loaded while the program runs.
#pragma once

namespace scratch::shim {

using dlopen_function = void *(*)(const char *, int);

// Notes what a dlopen with these flags means for the shim, and returns libc's dlopen.
dlopen_function note_dlopen(int flags) noexcept;

// Whether some object was opened for all that come later (RTLD_GLOBAL).
bool opened_for_all() noexcept;

} // namespace scratch::shim
