// What the shim asks about the process that it is in. One file per object format
// (process_elf.cpp, process_darwin.cpp).
#pragma once

namespace scratch::shim {

// The loader has come to this object's constructor. Once, before the shim starts there.
void note_constructor() noexcept;

// From now on blocks of ours are handed out. Once, while the process has one thread.
void note_serving() noexcept;

// Null while it is too early to start: then all calls go to the next allocator.
char **environment_of_process() noexcept;

// A program that defines malloc itself, so that its free would get our blocks.
bool malloc_is_the_programs() noexcept;

} // namespace scratch::shim
