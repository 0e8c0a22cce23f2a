// The list of objects in LD_PRELOAD, changed where it stands.
#pragma once

#include <cstddef>

namespace scratch::shim {

// Takes every entry that is the file `own_path`, a hook object or the object of `scratch check`,
// out of `list` (the value of LD_PRELOAD: paths or bare names between spaces and colons), with one
// separator each, and moves the rest up; nothing else changes. An entry is meant if it is the same
// text, if it has a folder and is the same file, or if it is a bare name or has a $TOKEN of the
// loader in it and ends in the same name. The number of entries taken out. Allocates nothing.
std::size_t remove_preload_entry(char *list, const char *own_path) noexcept;

// Whether `list` has a hook object, by its name: hooks-, 64 hexadecimal digits, .so.
bool has_hook_object(const char *list) noexcept;

// The path of the object that this function is in, as the loader knows it; null where it does not.
const char *path_of_own_object() noexcept;

} // namespace scratch::shim
