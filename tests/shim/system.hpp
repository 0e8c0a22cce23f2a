// What the tests ask of the system, which each has a way of its own for.
#pragma once

#include <cstddef>
#include <string>

// Names the objects that the loader takes into each program.
extern const char preload_variable[];

std::string own_executable();

// Where counters lie without XDG_RUNTIME_DIR.
std::string common_folder();

// Ends at once with status 0.
extern const char program_that_does_nothing[];

// Of the calling process, from the kernel; without allocating.
std::size_t resident_bytes();
std::size_t mapped_bytes();
