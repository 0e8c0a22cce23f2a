// Objects that are loaded while the program runs.
#pragma once

namespace scratch::shim {

using dlopen_function = void *(*)(const char *, int);

// Notes what a dlopen with these flags means for the shim, and returns libc's dlopen.
dlopen_function note_dlopen(int flags) noexcept;

// Whether the loader makes no difference between us and `caller`, by whose search path it looks for
// some files.
bool may_open_for(const void *caller, const char *file, int flags) noexcept;

// Opens it, and notes the change again: what another thread read of the objects while the file was
// being opened was too early.
void *open_and_note(dlopen_function function, const char *file, int flags) noexcept;

// Whether some object was opened for all that come later (RTLD_GLOBAL).
bool opened_for_all() noexcept;

} // namespace scratch::shim
